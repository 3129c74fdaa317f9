/* Times the loops of limits.h: the fastest of many short passes, because whatever else the machine does can only slow one. */
#include "kernels.h"
#include "parallel.h"

#include <ctime>

static double seconds_now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Repeats pass until the time is up, and at least twice; returns the seconds of the fastest. */
template <typename Pass>
static double fastest(double seconds, Pass pass) {
    double begin = seconds_now(), now = begin, best = 0;
    for (int64_t i = 0; i < 2 || now - begin < seconds; i++) {
        double start = seconds_now();
        pass();
        now = seconds_now();
        if (i == 0 || now - start < best) best = now - start;
    }
    return best > 0 ? best : 1e-9;
}

/* part(first, count) for a share of n floats in each thread. What it calls is behind a table of functions, so that no call
 * is left out because nobody looks at its result. */
template <typename Part>
static void share(int64_t n, Part part) {
    parallel(threads_here(), [&](int64_t t, int64_t of) { part(n * t / of, n * (t + 1) / of - n * t / of); });
}

extern "C" {

double gatun_fma_peak(double seconds) {
    const gatun_kernels &kernels = gatun_current();
    double rates[GATUN_MAX_THREADS] = {}, total = 0;
    parallel_for(threads_here(), true, [&](int64_t t, int64_t) {
        float sink[32];
        for (float &x : sink) x = 0.999f;
        int64_t operations = 0;
        double best = fastest(seconds, [&] { operations = kernels.multiply_add(1 << 18, sink); });
        rates[t] = (double)operations / best;
    });
    for (double rate : rates) total += rate;
    return total * 1e-9;
}

double gatun_read_bandwidth(const float *x, int64_t count, double seconds) {
    const gatun_kernels &kernels = gatun_current();
    double best = fastest(seconds, [&] {
        share(count, [&](int64_t first, int64_t n) { kernels.read_floats(x + first, n); });
    });
    return (double)count * 4 / best * 1e-9;
}

double gatun_triad_bandwidth(float *x, int64_t count, double seconds) {
    const gatun_kernels &kernels = gatun_current();
    int64_t third = count / 3;
    double best = fastest(seconds, [&] {
        share(third, [&](int64_t first, int64_t n) {
            kernels.triad_floats(x + first, x + third + first, x + 2 * third + first, 0.5f, n);
        });
    });
    return (double)third * 12 / best * 1e-9;
}

} // extern "C"
