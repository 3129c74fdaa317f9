/* Every kernel with every instruction set of this machine, against plain loops in double precision. */
#include "testing.h"

int main() {
    struct { const char *name; void (*check)(outcome &); } const suites[] = {
        {"attention", check_attention}, {"rows", check_rows}, {"heads", check_heads}, {"decoding", check_decoding}, {"matrices", check_matrices},
        {"recurrent", check_recurrent}, {"limits", check_limits}};
    int64_t failures = 0;
    for (int32_t isa = 0; isa <= 2; isa++) {
        if (gatun_limit_isa(isa) != isa) continue;
        for (int32_t threads = 1; threads <= 3; threads += 2) {
            gatun_set_num_threads(threads);
            for (auto &suite : suites) {
                outcome o;
                suite.check(o);
                std::printf("%-8s %d threads  %-9s %9lld checks, %lld failures, worst error %.2f of the tolerance\n", gatun_isa(), threads,
                            suite.name, (long long)o.checks, (long long)o.failures, o.worst);
                failures += o.failures;
            }
        }
    }
    return failures ? 1 : 0;
}
