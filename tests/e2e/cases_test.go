package e2e

import (
	"fmt"
	"testing"
	"time"
)

// A testCase is one thing that must hold. Cases that leave the server alone run together; the others one by one,
// after them, and each leaves the world as it found it.
type testCase struct {
	name string
	run  func(*testing.T, *world)
}

var together = []testCase{
	{"apiservice-article", testArticleAPIService},
	{"hpa-article", testArticleHPA},
	{"scale-subresource", testScaleSubresource},
	{"operator-ignores-sizes", testOperatorIgnoresSizes},
	{"operator-clamps-to-first-maximum", testOperatorClampsToFirstMaximum},
	{"operator-leaves-status-stale", testOperatorLeavesStatusStale},
	{"operator-labels", testOperatorLabels},
	{"evictions-delay-growth", testEvictionsDelayGrowth},
	{"namespace-deletion", testNamespaceDeletion},
	{"kubectl-explain", testKubectlExplain},
	{"kubectl-api-resources", testKubectlAPIResources},
	{"wildcard", testWildcard},
	{"discovery-current", testDiscoveryCurrent},
	{"openapi-protobuf", testOpenAPIProtobuf},
	{"http2-100-streams", testHundredStreams},
	{"fresh-connections", testFreshConnections},
	{"hpa-namespace-object", testNamespaceObjectHPA},
	{"hpa-minicluster-object", testMiniClusterObjectHPA},
	{"hpa-cpu", testCPUHPA},
	{"hpa-external", testExternalHPA},
}

var alone = []testCase{
	{"hpa-wanted-2-4-2", testWantedHPA},
	{"hpa-pods", testPodsHPA},
	{"grow-over-terminating", testGrowOverTerminating},
	{"drain-rounds", testDrainRounds},
	{"drain-killed", testDrainKilled},
	{"broker-dead", testBrokerDead},
	{"server-down", testServerDown},
	{"apiservice-ca-bundle", testCABundle},
	{"two-hpas", testTwoHPAs},
	{"auth-table", testAuthTable},
	{"agent-rights", testAgentRights},
	{"auth-revoked", testRevokedRBAC},
	{"auth-aggregated-users", testAggregatedUsers},
	{"auth-fails-closed", testFailsClosed},
	{"auth-configmap-unreadable", testConfigMapUnreadable},
	{"rotation-serving", testServingRotation},
	{"rotation-front-proxy", testFrontProxyRotation},
	{"rotation-client-ca", testClientCARotation},
	{"sigterm-two-replicas", testSIGTERMUnderLoad},
	{"prometheus-adapter", testPrometheusAdapter},
	{"plan-live", testPlanLive},
	{"explain-live", testExplainLive},
	{"explain-situations", testExplainSituations},
}

// TestE2E starts the world once. One case: go test -run 'TestE2E/.*/^hpa-article$'.
func TestE2E(t *testing.T) {
	begin := time.Now()
	world := newWorld(t)
	fmt.Printf("control plane, MiniCluster and server are up after %.1f s\n", time.Since(begin).Seconds())
	defer func() {
		world.Close()
		world.report.print(time.Since(begin))
	}()
	t.Run("together", func(t *testing.T) {
		for _, one := range together {
			t.Run(one.name, func(t *testing.T) {
				t.Parallel()
				world.report.watch(t, one.name)
				one.run(t, world)
			})
		}
	})
	t.Run("alone", func(t *testing.T) {
		for _, one := range alone {
			t.Run(one.name, func(t *testing.T) {
				world.report.watch(t, one.name)
				world.restoreAfterFailure(t)
				one.run(t, world)
			})
		}
	})
	if world.report.cases() == 0 {
		t.Error("no case has this name")
	}
	for _, trouble := range world.Troubles() {
		t.Errorf("trouble in the world: %s", trouble)
	}
}
