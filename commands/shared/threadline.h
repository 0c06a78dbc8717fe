// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thread as one line in LLDB's manner, or as JSON: where it stands and why.
 *
 *   * thread #1: tid = 108, 0x0000000000401b2c zoo`spin_body + 12, name = 'zoo-spin', stop reason = ...
 */
#ifndef KCO_COMMANDS_THREADLINE_H
#define KCO_COMMANDS_THREADLINE_H

#include <kco/cmd.h>
#include <kco/process.h>
#include <kco/stop.h>

/** What a line tells of a thread; strings live as long as the session or the command. */
struct kco_threadline {
	const struct kco_task *task;
	size_t number;
	bool selected;
	bool has_pc, kernel_pc; /* kernel_pc: of a kernel thread, where it waits */
	uint64_t pc;
	const char *image;  /* last part of its path; "kernel", a module; NULL unknown */
	const char *symbol; /* NULL unknown */
	uint64_t offset;    /* from the symbol, or without one from where the image was loaded */
	struct kco_stop stop;
	enum kco_status status; /* of the stop reason */
	const char *why;
};

/** Look @task, a thread of @p, up. @wchan: say where in the kernel it waits, too, which unwinds its stack. */
void kco_threadline_get(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_task *task, bool wchan,
			struct kco_threadline *ret);
/** "Process 108 stopped", in LLDB's words; with a zombie's status. */
void kco_processline_text(struct kco_cmd_ctx *ctx, const struct kco_process *p);
void kco_threadline_text(struct kco_cmd_ctx *ctx, const struct kco_threadline *line);
/** The keys of KCO_THREADLINE_JSON in the innermost open object. */
void kco_threadline_json(struct kco_cmd_ctx *ctx, const struct kco_threadline *line);
/** A process: the head, a line for each of its threads; JSON: one row. */
void kco_processline(struct kco_cmd_ctx *ctx, struct kco_process *p, bool wchan);
/** siginfo_t as the object "siginfo"; null without one. */
void kco_siginfo_json(struct kco_cmd_ctx *ctx, const char *key, const struct kco_siginfo *info);

#define KCO_SIGINFO_JSON(at)                                                                             \
	{ at ".signo", "integer", "number of the signal" }, { at ".signal", "string|null", "its name" }, \
		{ at ".code", "integer", "si_code" }, { at ".code_name", "string|null", "its name" },    \
		{ at ".errno", "integer", "si_errno" },                                                  \
		{ at ".pid", "integer", "sender or child; kill, queue and SIGCHLD" },                    \
		{ at ".uid", "integer", "its user; kill, queue and SIGCHLD" },                           \
		{ at ".status", "integer", "SIGCHLD: the child's status" },                              \
		{ at ".value", "address", "sigqueue() and timers: what was sent along" },                \
		{ at ".addr", "address", "faults: the address; SIGSYS: that of the call" },              \
		{ at ".timer", "integer", "timers: the kernel's number of the timer" },                  \
		{ at ".overrun", "integer", "timers: how often it expired in vain" },                    \
		{ at ".band", "integer", "SIGIO: events" }, { at ".fd", "integer", "SIGIO: the file" },  \
	{                                                                                                \
		at ".syscall", "integer", "SIGSYS: the number"                                           \
	}

#define KCO_THREADLINE_JSON(at)                                                                                       \
	{ at "number", "integer", "of the thread in its process, from 1" }, { at "tid", "integer", "the thread" },    \
		{ at "name", "string", "command name" }, { at "task", "address", "its task structure" },              \
		{ at "state", "string", "as `ps` has it" },                                                           \
		{ at "cpu", "integer|null", "CPU it runs or last ran on" },                                           \
		{ at "active", "boolean", "was on a CPU when the machine stopped" },                                  \
		{ at "selected", "boolean", "the selected thread of its process" },                                   \
		{ at "pc", "address|null", "program counter in user mode; of kernel threads, where they wait" },      \
		{ at "image", "string|null", "what is mapped there; \"kernel\" or a module for kernel threads" },     \
		{ at "symbol", "string|null", "the function" },                                                       \
		{ at "offset", "integer", "from the function, else from where the image is" },                        \
		{ at "stop", "object", "why it stands still" },                                                       \
		{ at "stop.kind", "string", "a fixed word: syscall, futex, panic, breakpoint, zombie, ..." },         \
		{ at "stop.reason", "string", "the same in words" },                                                  \
		{ at "stop.signal", "integer|null", "number of the signal that a debugger would report" },            \
		{ at "stop.signal_name", "string|null", "its name" },                                                 \
		{ at "stop.trap", "string|null",                                                                      \
		  "NetBSD's word for a trap: TRAP_BRKPT TRAP_TRACE TRAP_DBREG TRAP_EXEC TRAP_CHLD TRAP_LWP TRAP_SCE " \
		  "TRAP_SCX" },                                                                                       \
		{ at "stop.lwp", "integer", "the thread that it is for, 0 the whole process" },                       \
		{ at "stop.syscall", "integer|null", "number of the system call it is in" },                          \
		{ at "stop.syscall_name", "string|null", "its name" },                                                \
		{ at "stop.args", "array|null", "its arguments, as addresses" },                                      \
		{ at "stop.result", "integer", "trace syscall exit: what the call returns" },                         \
		{ at "stop.vector", "integer|null", "number of the exception" },                                      \
		{ at "stop.error_code", "address|null", "of the exception" },                                         \
		{ at "stop.addr", "address|null", "fault address, futex, breakpoint, watched address" },              \
		{ at "stop.wchan", "string|null", "kernel function it waits in; null when it was not looked for" },   \
		{ at "stop.tracer", "integer|null", "tid of its tracer" },                                            \
		{ at "stop.child", "integer|null", "fork, vfork, clone: the new one's tid" },                         \
		{ at "stop.status", "integer|null",                                                                   \
		  "zombie, trace exit: as wait() has it; seccomp: the filter's data" },                               \
		{ at "stop.siginfo", "object|null", "siginfo_t of the stop" }, KCO_SIGINFO_JSON(at "stop.siginfo")

#define KCO_PROCESSLINE_JSON                                                                          \
	{ "pid", "integer", "the process" }, { "ppid", "integer|null", "its parent" },                \
		{ "name", "string", "command name of its main thread" },                              \
		{ "hidden", "boolean", "a kernel thread or helper: listed with -a only" },            \
		{ "nr_threads", "integer", "threads it has" }, { "threads", "array", "its threads" }, \
		KCO_THREADLINE_JSON("threads[].")

#endif
