/* All that the module's C file knows of the C++ libraries behind it. Every call but the collector's own work
 * is made on the broker module's thread. Texts are UTF-8; a call that fails says why in a struct fmm_error.
 */
#ifndef FLUX_METRICS_BRIDGE_H
#define FLUX_METRICS_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fmm_core;
struct fmm_feed;

struct fmm_error {
  int errnum;
  char text[1000];
};

/* Starts a collector on the broker at `uri` ("local:///..."), with the arguments of `flux module load`. NULL:
 * the arguments, or the address, are wrong. */
struct fmm_core* fmm_create(const char* uri, int argc, char** argv, struct fmm_error* error);
/* Ends it and waits for its thread. All feeds must be gone. */
void fmm_destroy(struct fmm_core* core);

/* Readable when there is something new, until fmm_begin_round(). */
int fmm_fd(const struct fmm_core* core);
void fmm_begin_round(struct fmm_core* core);
/* Whether the instance is ending, so that the module has nothing left to tell. */
bool fmm_ending(const struct fmm_core* core);
/* The next line for the log; false when there is none. `level` is syslog's. The text lives until the next
 * call. */
bool fmm_next_line(struct fmm_core* core, int* level, const char** line);

/* Documents; NULL on failure. The text lives until the next call of one of these three. */
const char* fmm_document(struct fmm_core* core, struct fmm_error* error);
const char* fmm_exposition(struct fmm_core* core, bool openmetrics, struct fmm_error* error);
const char* fmm_statistics(struct fmm_core* core, struct fmm_error* error);

/* A client that follows the state, no more than `window` messages behind. NULL on failure. */
struct fmm_feed* fmm_feed_open(struct fmm_core* core, int window, struct fmm_error* error);
void fmm_feed_close(struct fmm_feed* feed);
/* The next message; NULL when there is none now, or, with an errnum, when the feed is over. The text lives
 * until the next call. */
const char* fmm_feed_next(struct fmm_feed* feed, struct fmm_error* error);
void fmm_feed_acknowledge(struct fmm_feed* feed);

#ifdef __cplusplus
}
#endif

#endif
