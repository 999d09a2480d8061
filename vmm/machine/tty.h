#ifndef VMM_MACHINE_TTY_H
#define VMM_MACHINE_TTY_H
/* tty: the user's terminal, raw while the guest has it. One in a process. */

/* Makes fd raw if it is a terminal; it is put back by tty_restore(), at exit, and by the
 * signals that kill the process. 0 also where fd is no terminal; or -errno. */
int tty_make_raw(int fd);
void tty_restore(void);

/* Where to write for fd. If that is a terminal or a pipe, a new fd of it that does not
 * block, without a change for others who have it open; else, or where there is none to be
 * had, fd. */
int tty_output(int fd);

#endif
