#ifndef VMM_CONTROL_COMMANDS_H
#define VMM_CONTROL_COMMANDS_H
/* commands: what the control socket can be asked to do. Turns JSON into calls of hotplug
 * and machine. Main only. */

#include <jansson.h>

#include "vmm/qmp/qmp_message.h"

/* A qmp_handler; control is the struct control. */
json_t *commands_handle(void *control, const char *command, json_t *arguments,
			struct qmp_error *err);

#endif
