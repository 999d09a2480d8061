#ifndef VMM_KVM_VCPU_RUN_H
#define VMM_KVM_VCPU_RUN_H
/* vcpu_run: what a vCPU's thread does, from its first instruction to its last, and the
 * kick, by which main has it come to the gate. */

#include "vmm/kvm/vcpu.h"

/* The thread; vcpu is the struct vcpu, whose life is WAITING. Returns NULL, and has ended
 * its life then. */
void *vcpu_run(void *vcpu);

/* Main, after it has stored what it wants under env->lock: the thread comes to the gate
 * to look, at whichever instruction it is. There is a thread. */
void vcpu_kick(struct vcpu *v);

#endif
