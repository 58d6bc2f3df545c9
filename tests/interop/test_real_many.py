"""A real Flux with a long queue: the list is polled there, not told by the journal."""
import unittest

import harness
import realflux
import test_real_flux
from test_real_flux import POLICY

JOBS = 2004  # of which as many run as there are ranks


class Many(test_real_flux.Comparison):
    def test_two_thousand_pending_jobs(self):
        with realflux.Instance(size=4) as flux:
            flux.flux("submit", f"--cc=1-{JOBS}", "--quiet", "-N1", "--exclusive", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 4)
            self.wait_jobs(flux, "SCHED", JOBS - 4)
            expected = test_real_flux.flux_counts(flux)
            got = harness.get_metrics(flux.uri, options=POLICY)
            for name, number in expected.items():
                if not isinstance(number, dict):
                    self.assertEqual(got[name], number, name)
            self.assertEqual((got["job_pending_count"], got["node_demand_count"], got["node_wanted_all_count"]),
                             (JOBS - 4, {("",): JOBS}, 4))
            with harness.Server(*POLICY, uri=flux.uri) as server:
                server.wait_number("job_eligible_count", JOBS - 4)
                # With more than 2,000 active jobs at connect, jobspecs are read one by one, within the cost budget.
                server.wait_number("job_shape_unknown_count", 0, deadline=120)
                flux.submit("-N2", "--exclusive", "sleep", "inf")
                server.wait_number("job_eligible_count", JOBS - 3)
                server.wait_number("node_demand_count", JOBS + 2)


if __name__ == "__main__":
    unittest.main()
