// SPDX-License-Identifier: Apache-2.0

package interceptor

import "fmt"

// HandlerPanic is the value that the interceptors panic with when a handler that ran on a goroutine
// of its own has panicked. It is an error, so that a crash prints all of it, and unwraps to the
// handler's value when that was an error.
type HandlerPanic struct {
	Value any    // what the handler panicked with
	Stack []byte // of the handler's goroutine, as runtime/debug.Stack formats it
}

// newHandlerPanic returns nil for nil, which recover returns when runtime.Goexit was called, and does
// not wrap a value twice.
func newHandlerPanic(value any, stack []byte) *HandlerPanic {
	if value == nil {
		return nil
	}
	if p, ok := value.(*HandlerPanic); ok {
		return p
	}
	return &HandlerPanic{Value: value, Stack: stack}
}

// Error prints the value and the stack of the handler.
func (p *HandlerPanic) Error() string {
	return fmt.Sprintf("interceptor: panic in a handler: %v\n\n%s", p.Value, p.Stack)
}

// Unwrap returns the value the handler panicked with when it was an error, else nil.
func (p *HandlerPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
