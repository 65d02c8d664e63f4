// SPDX-License-Identifier: Apache-2.0

package e2e

// slow are the tests that a short run leaves out.
var slow = []string{
	"TestAdversity", "TestCallInFlightIsNotCut", "TestCallsInFlightThroughServeHTTP", "TestCallsOnHijackedConnections",
	"TestClientsThatReopenTheirStreamsAtOnce", "TestDeadlineOfConnContext", "TestDrainResumeDrain", "TestFlappingOperator",
	"TestForcedHTTPServer", "TestFourQuestions", "TestFrozenRegistryDuringDeregister", "TestGatewayInFrontOfItsOwnServer",
	"TestIdleDrainTakesSettleAndQuiet", "TestInterruptWhileTheRegistryIsDown", "TestKeptConnections", "TestMainThatEndsWithServe",
	"TestOneRegistrarOfTwoManagers", "TestOperatorOfflineAndOnline", "TestReadinessWhileNobodyListsIt",
	"TestRequestsHoldOffQuiet", "TestRestartUnderLoad", "TestRollingRestartThroughServeHTTP",
	"TestSilentConnectionBeneathAWrapper", "TestSilentConnectionToAFurtherServer", "TestSilentConnectionToHTTP",
	"TestStreamThroughServeHTTPThatIsEndedSaysWhy", "TestSuccessorOnAnotherNode", "TestTrackerOfTwoServers",
	"TestTwoServersBehindOneAddress", "TestWhyARegistrationTimesOut", "TestWithoutRun",
}
