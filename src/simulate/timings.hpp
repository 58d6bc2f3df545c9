// How long things take inside a Flux instance, in seconds of the instance's own time. All are what brokers
// were seen to need on a small machine; --speed shortens them together with the jobs' run times.
#pragma once

namespace fluxmetrics::simulate::timing {

inline constexpr double heartbeat = 2.0;
inline constexpr double stats_batch = 0.2;   // job-stats are streamed at most so often
inline constexpr double groups_batch = 0.1;  // broker.online changes so long after a broker came or went
inline constexpr double join = 0.6;          // from connecting to having run its start-up script

inline constexpr double ingest = 0.013;    // a jobspec is checked before the job exists
inline constexpr double validate = 0.013;  // submit -> validate
inline constexpr double depend = 0.012;    // validate -> depend
inline constexpr double schedule = 0.004;  // the scheduler looks so long after something changed
inline constexpr double start = 0.012;     // alloc -> start
inline constexpr double release = 0.005;   // finish -> release
inline constexpr double cancel = 0.021;    // exception -> finish of a cancelled job
inline constexpr double timeout = 0.005;   // the same when the time limit struck
inline constexpr double kill = 0.010;      // a signal that ends the job

inline constexpr double loss_single = 0.0001;  // exception -> finish when all of the job's ranks are gone
inline constexpr double loss_release = 0.009;  // finish -> release in that case
inline constexpr double loss_multi = 0.017;    // exception -> finish when other ranks survive
inline constexpr double failed_start = 0.010;  // exception -> finish of a job sent to a dead rank

// A broker told to stop (its pod is deleted): the jobs notice first, then it leaves.
inline constexpr double shutdown_jobs = 0.34;
inline constexpr double shutdown_exit = 0.40;
inline constexpr double shutdown_single = 0.016;  // exception -> finish of a job on that rank only
inline constexpr double shutdown_multi = 25.0;    // the surviving ranks' tasks are killed again and again
inline constexpr double shutdown_kill_every = 5.0;

// The whole instance ends: how long each state lasts, and when within the last one the services end and the
// broker exits.
inline constexpr double ending_cleanup = 2.35;
inline constexpr double ending_shutdown = 0.95;
inline constexpr double ending_unload = 0.74;
inline constexpr double ending_exit = 1.16;

}  // namespace fluxmetrics::simulate::timing
