// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

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
	"TestBlindSubscriptionIsNotBelievedForEver", "TestBrokenSubscriptionIsReplacedOnceForAll",
	"TestCallsNameTheRegistryThatIsAway", "TestChannelsComeAndGo", "TestChannelsShareAConnection",
	"TestCloseIsBounded", "TestCloseLeavesNoGoroutine", "TestClosedChannelsLeaveNothing", "TestEmptyListKeepsTheLast",
	"TestFollowsTheList", "TestIdleChannelLeavesNothing", "TestOpenListAlone", "TestRegistryRestartKeepsTheList",
	"TestSlowLookHoldsNothingUp", "TestSubscriptionRefusedAtStart",
}
