// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"fmt"
)

// prepare calls what has to happen before the instance is announced, and returns when Shutdown begins, at the latest.
func (m *Manager) prepare(ctx context.Context) error {
	if len(m.beforeRegister) == 0 {
		return nil
	}
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	result := make(chan error, 1)
	if !m.goPrepare(func() { result <- m.callBeforeRegister(limited) }) {
		return fmt.Errorf("lifecycle: start: %w", ErrStopping)
	}
	select {
	case err := <-result:
		return err
	case <-m.begun:
		cancel(ErrStopping)
		return fmt.Errorf("lifecycle: start: %w", ErrStopping)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// goPrepare runs f on a goroutine that the end of everything waits for, unless Shutdown has begun.
func (m *Manager) goPrepare(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shutdown != nil {
		return false
	}
	m.preparing = true
	m.work.Go(func() {
		f()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.preparing = false
	})
	return true
}

func (m *Manager) callBeforeRegister(ctx context.Context) error {
	for n, prepare := range m.beforeRegister {
		if err := prepare(ctx); err != nil {
			return fmt.Errorf("lifecycle: WithBeforeRegister, function %d: %w", n+1, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}
