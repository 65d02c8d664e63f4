// SPDX-License-Identifier: Apache-2.0

package nacos_test

// slow are the tests that a short run leaves out.
var slow = []string{
	"Example", "ExampleRegistrar_Watch", "TestBlindSubscriptionConfirmsNothing", "TestCauseOfADeadNodesCopy", "TestCloseRemoves",
	"TestConfirmedWithLessThanEverything", "TestContract", "TestCustomizeCannotBreakTheConfirmation", "TestDeregisterIgnored",
	"TestDeregisterRefused", "TestDeregisterWhenNoAnswerHasCome", "TestDeregisterWhileTheRegistryIsAway",
	"TestDeregisterWithoutAConnection", "TestEverythingRefused", "TestGoneNamesTheNodeThatListsUs", "TestLogin",
	"TestLoopbackIsSaid", "TestNamespaceGroupCluster", "TestNoFalseOffline", "TestNoFalseOnline", "TestOperatorsEditIsLoggedOnce",
	"TestOperatorsOfflineAndOnline", "TestRefusedRegistrationBacksOff", "TestRegisterThenDeregisterThenAgain",
	"TestRegistrarContract", "TestRegistrationLost", "TestRegistryDownAtStart", "TestRegistryForgetsTheLogin", "TestSchedules", "TestSecondOwner",
	"TestSubscriptionLost", "TestTLS", "TestTokenIsRenewed", "TestTwoPortsUnderOneService", "TestUnknownNamespaceIsSaid",
	"TestWrongLoginIsAnErrorAtOnce",
}
