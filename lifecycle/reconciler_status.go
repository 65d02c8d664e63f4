// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "time"

// RegistrarState is how an instance stands with one registrar, as far as this process knows.
type RegistrarState string

const (
	Unregistered RegistrarState = "unregistered" // Register was not called yet
	Registering  RegistrarState = "registering"  // Register is under way, or will be repeated
	Registered   RegistrarState = "registered"   // Register has returned nil
	Withdrawing  RegistrarState = "withdrawing"  // Deregister is under way
	Withdrawn    RegistrarState = "withdrawn"    // the absence is confirmed
	Unconfirmed  RegistrarState = "unconfirmed"  // Deregister was called, and the absence was not confirmed
)

// RegistrarStatus is what Status and Report say of one registrar.
type RegistrarStatus struct {
	Name      string         `json:"name"` // what its String returns, or "registrar 1"
	State     RegistrarState `json:"state"`
	Published string         `json:"published,omitempty"`           // under what address consumers may know the instance, as the registrar says
	Offline   bool           `json:"offline_by_operator,omitempty"` // an operator holds the instance offline here
	Absent    time.Time      `json:"absent_since,omitzero"`         // confirmed, given up, or made by an operator; zero while listed
	Error     string         `json:"error,omitempty"`               // of the last Register or Deregister
}

// status is called with the lock held.
func (k *reconciler) status() RegistrarStatus {
	return RegistrarStatus{Name: k.name, State: k.state, Offline: k.presence == presenceHeld, Absent: k.absent, Error: k.failure}
}
