# Metrics by functions that get a Flux handle; docs/user-metrics.md tells how to write them.
import time

import flux
import flux.job
import flux.resource


def user_pending_count(handle):
    """Users who have a job that waits."""
    everybody = flux.constants.FLUX_USERID_UNKNOWN
    jobs = flux.job.job_list(handle, max_entries=0, attrs=["userid", "state"], userid=everybody).get_jobs()
    return len({job["userid"] for job in jobs if job["state"] == flux.constants.FLUX_JOB_STATE_SCHED})


def node_largest_free_cores(handle):
    """Most free cores that one node has."""
    free = flux.resource.list.resource_list(handle).get().free
    return max((free.copy_ranks(str(rank)).ncores for rank in free.ranks), default=0)


def broker_uptime_seconds(handle):
    """How long the leader broker has been up."""
    return _now() - float(handle.attr_get("broker.starttime"))


def _now():
    # A name that begins with _ is a helper, and no metric.
    return time.time()
