/* A Flux broker module that keeps the state of its instance and tells it: flux-metrics.get,
 * flux-metrics.exposition. Only messages and the reactor are dealt with here; bridge.h leads to the rest.
 * Written from the documentation of flux-core's public interface: flux-module(1), RFC 5, RFC 6 and the pages
 * of section 3. */
#include <errno.h>
#include <flux/core.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "module/bridge.h"

/* Changes are gathered for so long: a client gets at most twenty messages a second, whatever the jobs do. */
static const double round_pause = 0.05;

/* Of a client that acknowledges nothing: it gets so many messages. */
enum { default_window = 1024 };

static const char service[] = "flux-metrics";
static const char feed_key[] = "flux-metrics::feed";

struct module {
  flux_t* h;
  struct fmm_core* core;
  struct flux_msglist* followers; /* requests of open streams; each holds its feed */
  flux_msg_handler_t** handlers;
  flux_watcher_t* bell;  /* the collector has something new */
  flux_watcher_t* pause; /* the time between two rounds */
};

static void respond_error(struct module* m, const flux_msg_t* msg, const struct fmm_error* error) {
  if (flux_respond_error(m->h, msg, error->errnum, error->text) < 0)
    flux_log_error(m->h, "responding an error");
}

static void respond_text(struct module* m, const flux_msg_t* msg, const char* text,
                         const struct fmm_error* error) {
  if (text == NULL)
    respond_error(m, msg, error);
  else if (flux_respond(m->h, msg, text) < 0)
    flux_log_error(m->h, "responding");
}

static struct fmm_feed* feed_of(const flux_msg_t* msg) {
  return flux_msg_aux_get(msg, feed_key);
}

static void close_feed(void* feed) {
  fmm_feed_close(feed);
}

/* Sends what there is; false: the stream is over, and its client knows. */
static bool serve(struct module* m, const flux_msg_t* msg) {
  struct fmm_error error;
  const char* text;
  while ((text = fmm_feed_next(feed_of(msg), &error)) != NULL) {
    if (flux_respond(m->h, msg, text) < 0) {
      flux_log_error(m->h, "responding to a stream");
      return false;
    }
  }
  if (error.errnum == 0) return true;
  respond_error(m, msg, &error);
  return false;
}

static void log_lines(struct module* m) {
  const char* line;
  int level;
  while (fmm_next_line(m->core, &level, &line))
    flux_log(m->h, level, "%s", line);
}

/* One round: log, serve everybody, then wait for a moment before the bell is heard again. */
static void bell_cb(flux_reactor_t* r, flux_watcher_t* w, int revents, void* arg) {
  struct module* m = arg;
  const flux_msg_t* msg;
  (void)revents;
  fmm_begin_round(m->core);
  log_lines(m);
  for (msg = flux_msglist_first(m->followers); msg != NULL; msg = flux_msglist_next(m->followers)) {
    if (!serve(m, msg)) flux_msglist_delete(m->followers);
  }
  /* A broker reports modules that are still there at its end as a fault; unloading it by hand stays possible.
   */
  if (fmm_ending(m->core)) flux_reactor_stop(r);
  flux_watcher_stop(w);
  flux_timer_watcher_reset(m->pause, round_pause, 0.);
  flux_watcher_start(m->pause);
}

static void pause_cb(flux_reactor_t* r, flux_watcher_t* w, int revents, void* arg) {
  struct module* m = arg;
  (void)r;
  (void)w;
  (void)revents;
  flux_watcher_start(m->bell);
}

static void follow(struct module* m, const flux_msg_t* msg, int window) {
  struct fmm_error error = {0};
  struct fmm_feed* feed = fmm_feed_open(m->core, window, &error);
  if (feed == NULL) {
    respond_error(m, msg, &error);
    return;
  }
  if (flux_msg_aux_set(msg, feed_key, feed, close_feed) < 0) {
    fmm_feed_close(feed);
    flux_respond_error(m->h, msg, errno, NULL);
    return;
  }
  if (!serve(m, msg)) return;
  if (flux_msglist_append(m->followers, msg) < 0) flux_respond_error(m->h, msg, errno, NULL);
}

static void get_cb(flux_t* h, flux_msg_handler_t* mh, const flux_msg_t* msg, void* arg) {
  struct module* m = arg;
  struct fmm_error error = {0};
  int window = default_window;
  (void)mh;
  if (flux_msg_has_payload(msg) && flux_request_unpack(msg, NULL, "{s?i}", "window", &window) < 0) {
    flux_respond_error(h, msg, EPROTO, "window is not a whole number");
    return;
  }
  if (window < 2 || window > 1000000) {
    flux_respond_error(h, msg, EINVAL, "window must be 2 to 1000000 messages");
    return;
  }
  if (flux_msg_is_streaming(msg))
    follow(m, msg, window);
  else
    respond_text(m, msg, fmm_document(m->core, &error), &error);
}

static void exposition_cb(flux_t* h, flux_msg_handler_t* mh, const flux_msg_t* msg, void* arg) {
  struct module* m = arg;
  struct fmm_error error = {0};
  const char* format = "text";
  (void)mh;
  if (flux_msg_has_payload(msg) && flux_request_unpack(msg, NULL, "{s?s}", "format", &format) < 0) {
    flux_respond_error(h, msg, EPROTO, "format is not a string");
    return;
  }
  if (strcmp(format, "text") != 0 && strcmp(format, "openmetrics") != 0) {
    flux_respond_error(h, msg, EINVAL, "format must be text or openmetrics");
    return;
  }
  respond_text(m, msg, fmm_exposition(m->core, strcmp(format, "openmetrics") == 0, &error), &error);
}

static void stats_cb(flux_t* h, flux_msg_handler_t* mh, const flux_msg_t* msg, void* arg) {
  struct module* m = arg;
  struct fmm_error error = {0};
  (void)h;
  (void)mh;
  respond_text(m, msg, fmm_statistics(m->core, &error), &error);
}

/* A client has read half a window of a stream. No answer. */
static void ack_cb(flux_t* h, flux_msg_handler_t* mh, const flux_msg_t* msg, void* arg) {
  struct module* m = arg;
  const flux_msg_t* request;
  (void)h;
  (void)mh;
  for (request = flux_msglist_first(m->followers); request != NULL;
       request = flux_msglist_next(m->followers)) {
    if (!flux_cancel_match(msg, request)) continue;
    fmm_feed_acknowledge(feed_of(request));
    if (!serve(m, request)) flux_msglist_delete(m->followers);
    return;
  }
}

static void cancel_cb(flux_t* h, flux_msg_handler_t* mh, const flux_msg_t* msg, void* arg) {
  struct module* m = arg;
  (void)mh;
  if (flux_msglist_cancel(h, m->followers, msg) < 0) flux_log_error(h, "ending a stream");
}

static void disconnect_cb(flux_t* h, flux_msg_handler_t* mh, const flux_msg_t* msg, void* arg) {
  struct module* m = arg;
  (void)mh;
  if (flux_msglist_disconnect(m->followers, msg) < 0) flux_log_error(h, "forgetting a client");
}

/* What reads is for the owner alone: the state tells what others' jobs ask for. A guest gets EPERM. */
static const struct flux_msg_handler_spec handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "flux-metrics.get", get_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "flux-metrics.exposition", exposition_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "flux-metrics.stats-get", stats_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "flux-metrics.ack", ack_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "flux-metrics.cancel", cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "flux-metrics.disconnect", disconnect_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

/* Ends all streams; the clients go on by themselves. */
static void dismiss(struct module* m) {
  const flux_msg_t* msg;
  while ((msg = flux_msglist_pop(m->followers)) != NULL) {
    flux_respond_error(m->h, msg, ENODATA, "the module is being unloaded");
    flux_msg_decref(msg);
  }
}

static void destroy(struct module* m) {
  const int saved = errno;
  flux_msg_handler_delvec(m->handlers);
  if (m->followers != NULL) dismiss(m);
  flux_msglist_destroy(m->followers);
  flux_watcher_destroy(m->bell);
  flux_watcher_destroy(m->pause);
  if (m->core != NULL) fmm_destroy(m->core);
  errno = saved;
}

/* Where this may run; says why not. */
static int check_place(flux_t* h, const char** uri) {
  const char* name = flux_aux_get(h, "flux::name");
  uint32_t rank;
  if (flux_get_rank(h, &rank) < 0) return -1;
  errno = EINVAL;
  if (rank != 0) {
    flux_log(h, LOG_ERR,
             "this is rank %lu: the module reports on the whole instance and belongs on rank 0 only",
             (unsigned long)rank);
    return -1;
  }
  if (name != NULL && strcmp(name, service) != 0) {
    flux_log(h, LOG_ERR, "its name is %s: clients look for %s; load it without --name", name, service);
    return -1;
  }
  *uri = flux_attr_get(h, "local-uri");
  if (*uri == NULL) {
    flux_log(h, LOG_ERR, "this broker has no local socket (attribute local-uri), which the module reads");
    errno = EINVAL;
    return -1;
  }
  return 0;
}

static int set_up(struct module* m, int argc, char** argv) {
  flux_reactor_t* reactor = flux_get_reactor(m->h);
  struct fmm_error error = {0};
  const char* uri;
  if (check_place(m->h, &uri) < 0) return -1;
  m->core = fmm_create(uri, argc, argv, &error);
  if (m->core == NULL) {
    flux_log(m->h, LOG_ERR, "%s", error.text);
    errno = error.errnum;
    return -1;
  }
  m->followers = flux_msglist_create();
  m->bell = flux_fd_watcher_create(reactor, fmm_fd(m->core), FLUX_POLLIN, bell_cb, m);
  m->pause = flux_timer_watcher_create(reactor, round_pause, 0., pause_cb, m);
  if (m->followers == NULL || m->bell == NULL || m->pause == NULL) return -1;
  if (flux_msg_handler_addvec(m->h, handlers, m, &m->handlers) < 0) return -1;
  flux_watcher_start(m->bell);
  return 0;
}

__attribute__((visibility("default"))) int mod_main(flux_t* h, int argc, char** argv) {
  struct module m = {.h = h};
  int result = set_up(&m, argc, argv);
  if (result == 0) {
    result = flux_reactor_run(flux_get_reactor(h), 0) < 0 ? -1 : 0;
    log_lines(&m);
  }
  destroy(&m);
  return result;
}
