#ifndef VMM_BASE_LOG_H
#define VMM_BASE_LOG_H
/* log: one line each on stderr, "hotsocket: " and then words or key=value. Any thread;
 * never blocks. Lines that nobody takes are lost, and counted: the next that is taken
 * says how many there were. */

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO };

/* Lines go to this fd, by default stderr. Before threads start. */
void log_to(int fd);

/* Lines above this level are dropped; LOG_WARN at first. Before threads start. */
void log_set_level(enum log_level max);

void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)  log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)

#endif
