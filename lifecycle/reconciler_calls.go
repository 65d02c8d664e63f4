// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "slices"

// call lets hanging tell what does not return.
func (k *reconciler) call(method string, f func() error) error {
	k.mu.Lock()
	k.calling = append(k.calling, method)
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		i := slices.Index(k.calling, method)
		k.calling = slices.Delete(k.calling, i, i+1)
	}()
	return f()
}

// hanging names what the program and its registrars have not returned from.
func (m *Manager) unreturned() (calls []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.preparing {
		calls = append(calls, "a function of WithBeforeRegister")
	}
	for _, k := range m.reconcilers {
		for _, method := range k.calling {
			calls = append(calls, method+" of "+k.name)
		}
	}
	return calls
}

// busy is the method that withdraw waits for: a Register that does not heed its context is in front of Deregister. One
// that Resume has asked for is not.
func (k *reconciler) awaited() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.listed && slices.Contains(k.calling, "Register") {
		return "Register"
	}
	return "Deregister"
}
