// SPDX-License-Identifier: Apache-2.0

// Package sim puts the claim that an offline loses nothing to a test that anyone can repeat.
package sim
