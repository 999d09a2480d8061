#ifndef GUEST_TESTS_BARE_LAYOUT_H
#define GUEST_TESTS_BARE_LAYOUT_H
/* bare_layout: numbers that the guest's C and assembly share. */

#define BARE_TRAMPOLINE                                                                  \
	0x8000         /* free memory below 1 MiB; its page number is the SIPI's */
#define BARE_MARK 0x1e /* what a started CPU writes first, to COM1 or to port 0x80 */

#endif
