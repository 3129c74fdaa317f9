/* Every kernel with every instruction set of this machine, against plain loops in double precision. */
#include "testing.h"

#include <csignal>
#include <sys/wait.h>

/* Whether a touch of this byte ends a process. */
static bool is_fatal(volatile char *byte) {
    pid_t child = fork();
    if (child == 0) {
        std::signal(SIGSEGV, SIG_DFL);
        *byte = 1;
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

/* A check that nothing can fail checks nothing. */
static void check_guards(outcome &o) {
#ifndef __SANITIZE_ADDRESS__
    for (int64_t bytes : {0, 1, 4096, 5000}) {
        guarded<char> block(bytes);
        char *library = (char *)gatun_alloc_guarded(bytes ? bytes : 1);
        o.equal(is_fatal(guard_side == guard::behind ? block.data() + bytes : block.data() - 1), 1, 0, "guard of a test's buffer", bytes);
        o.equal(bytes == 0 || !is_fatal(block.data()), 1, 0, "a test's buffer", bytes);
        o.equal(is_fatal(library + (bytes ? bytes : 1)), 1, 0, "guard behind the library's buffer", bytes);
        o.equal(bytes != 4096 || is_fatal(library - 1), 1, 0, "guard in front of the library's buffer", bytes);
        gatun_free_guarded(library, bytes ? bytes : 1);
    }
#else
    (void)is_fatal, (void)o;
#endif
}

int main() {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    struct { const char *name; void (*check)(outcome &); } const suites[] = {
        {"attention", check_attention}, {"rows", check_rows}, {"heads", check_heads}, {"decoding", check_decoding},
        {"matrices", check_matrices}, {"narrow", check_narrow}, {"bytes", check_byte_conv},
        {"recurrent", check_recurrent}, {"training", check_training}, {"sequences", check_trained_sequences}, {"limits", check_limits},
        {"threads", check_threads}, {"guards", check_guards}};
    int64_t failures = 0;
    for (int32_t isa = 0; isa <= 2; isa++) {
        if (gatun_limit_isa(isa) != isa) continue;
        for (int run = 0; run < 4; run++) {
            int32_t threads = run % 2 ? 3 : 1;
            gatun_set_num_threads(threads);
            guard_side = run / 2 ? guard::front : guard::behind;
#ifdef __SANITIZE_ADDRESS__
            if (run / 2) continue; /* both sides are watched */
#endif
            for (auto &suite : suites) {
                outcome o;
                suite.check(o);
                std::printf("%-8s %d threads  guards %s  %-9s %9lld checks, %lld failures, worst error %.2f of the tolerance\n",
                            gatun_isa(), threads, guard_side == guard::behind ? "behind" : "front ",
                            suite.name, (long long)o.checks, (long long)o.failures, o.worst);
                failures += o.failures;
            }
        }
    }
    return failures ? 1 : 0;
}
