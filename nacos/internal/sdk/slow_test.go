// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

func TestMain(m *testing.M) {
	testrun.Skip(slow...)
	m.Run()
}

// slow are the tests that a short run leaves out.
var slow = []string{
	"TestAbandonedCallIsNotOvertaken", "TestAway", "TestForgedDatagram", "TestOvertakenRegistrationStaysAway",
	"TestRefusedLoginThatIsA500", "TestRegisterSubscribeListDeregister", "TestRepeatsBackOff",
	"TestWithdrawalIsRepeated",
}
