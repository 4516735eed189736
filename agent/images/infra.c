/*
 * The process that holds a pod's namespaces while its containers come and go. It does nothing:
 *
 * - children that are left to it (it is process 1 where a pod shares its process namespace) are reaped by the kernel,
 *   because SIGCHLD is ignored;
 * - every signal is blocked, and only TERM and INT are waited for: then it ends with 0.
 *
 * No C library, so that it is a static file of about a kilobyte. infra_binaries.ts holds it for each machine type:
 *   CC -Os -static -nostdlib -nostartfiles -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
 *      -fno-pie -no-pie -Wl,--build-id=none,-z,noseparate-code,-z,noexecstack -s -o infra infra.c
 */
typedef unsigned long u64;

enum { SIGINT_ = 2, SIGTERM_ = 15, SIGCHLD_ = 17, SIG_BLOCK_ = 0 };

#if defined(__x86_64__)
enum { SYS_sigaction = 13, SYS_sigprocmask = 14, SYS_exit_group = 231, SYS_sigtimedwait = 128 };
static long call(long number, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { SYS_sigaction = 134, SYS_sigprocmask = 135, SYS_exit_group = 94, SYS_sigtimedwait = 137 };
static long call(long number, long a, long b, long c, long d) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#else
#error "no system calls for this machine type"
#endif

/* The kernel's own struct sigaction, not the C library's. */
struct action {
    u64 handler, flags, restorer, mask;
};

void _start(void) {
    u64 all = ~0UL;
    u64 wanted = 1UL << (SIGTERM_ - 1) | 1UL << (SIGINT_ - 1);
    struct action ignore = {1 /* SIG_IGN */, 0, 0, 0};
    call(SYS_sigprocmask, SIG_BLOCK_, (long)&all, 0, sizeof all);
    call(SYS_sigaction, SIGCHLD_, (long)&ignore, 0, sizeof ignore.mask);
    for (;;) {
        long signal = call(SYS_sigtimedwait, (long)&wanted, 0, 0, sizeof wanted);
        if (signal == SIGTERM_ || signal == SIGINT_) call(SYS_exit_group, 0, 0, 0, 0);
    }
}
