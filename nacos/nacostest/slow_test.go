// SPDX-License-Identifier: Apache-2.0

package nacostest_test

// slow are the tests that a short run leaves out.
var slow = []string{
	"TestAnswerLostHasEffect", "TestConnectionEndRemoves", "TestConsoleRequests", "TestDropClosed", "TestDropHalfOpen",
	"TestErrorResponse", "TestFlagSurvivesRestart", "TestForbidden", "TestFreeze", "TestHiddenBeforeRegistered", "TestIgnored",
	"TestLogger", "TestLogin", "TestLoseRegistration", "TestLoseSubscription", "TestNodeDies", "TestNodesLoseSightOfEachOther",
	"TestOperatorsEdits", "TestOperatorsSwitch", "TestOutage", "TestPushDelay", "TestRegisterPushDeregister",
	"TestRestartEmptyList", "TestRestartPartialList", "TestSDKKeepsItsPort", "TestSecondOwner", "TestServeAfter", "TestSkewClock",
	"TestSlowRegister", "TestSpoofEmptyList", "TestStaleList", "TestSyncDelayBetweenTwoNodes", "TestTLSOnBothPorts",
	"TestTimeoutHasNoEffect", "TestTokenRenewal", "TestTwoNodes", "TestWrongLogin",
}
