/* The pool: regions of every size from one thread and from many at once, with barriers, loops and regions inside. */
#include "testing.h"

#include <atomic>
#include <pthread.h>

extern "C" {
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
void GOMP_barrier();
bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long increment, long chunk, long *first, long *last);
bool GOMP_loop_nonmonotonic_dynamic_next(long *first, long *last);
void GOMP_loop_end_nowait();
int omp_get_num_threads();
int omp_get_thread_num();
int omp_get_max_threads();
int omp_in_parallel();
}

namespace {

const int MOST = 32;

struct work {
    std::atomic<int> computed[MOST]{}, wrong{0}, sum{0};
};

void count(void *data) {
    work &w = *(work *)data;
    w.computed[omp_get_thread_num()]++;
}

/* A region in a region has one thread; behind it everything is as it was. */
void nest(void *data) {
    work &w = *(work *)data;
    int number = omp_get_thread_num(), size = omp_get_num_threads();
    GOMP_parallel([](void *inner) {
        work &w = *(work *)inner;
        if (omp_get_num_threads() != 1 || omp_get_thread_num() != 0) w.wrong++;
    }, data, size > 1 ? 7 : 1, 0);
    if (omp_get_thread_num() != number || omp_get_num_threads() != size || omp_in_parallel() != (size > 1)) w.wrong++;
    w.computed[number]++;
}

/* Nobody passes before everybody has come. */
void meet(void *data) {
    work &w = *(work *)data;
    int size = omp_get_num_threads();
    for (int round = 1; round <= 20; round++) {
        w.sum++;
        GOMP_barrier();
        if (w.sum != round * size) w.wrong++;
        GOMP_barrier();
    }
    w.computed[omp_get_thread_num()]++;
}

/* Two loops without a barrier between them: 0 to 99 by one, 100 down to 1 by three. */
void loop(void *data) {
    work &w = *(work *)data;
    long first, last;
    for (bool some = GOMP_loop_nonmonotonic_dynamic_start(0, 100, 1, 7, &first, &last); some;
         some = GOMP_loop_nonmonotonic_dynamic_next(&first, &last))
        for (long i = first; i < last; i++) w.sum += (int)i;
    GOMP_loop_end_nowait();
    for (bool some = GOMP_loop_nonmonotonic_dynamic_start(100, 0, -3, 2, &first, &last); some;
         some = GOMP_loop_nonmonotonic_dynamic_next(&first, &last))
        for (long i = first; i > last; i -= 3) w.sum += (int)i;
    GOMP_loop_end_nowait();
    w.computed[omp_get_thread_num()]++;
}

void region(outcome &o, void (*body)(void *), int size, int sum) {
    work w;
    GOMP_parallel(body, &w, (unsigned)size, 0);
    for (int i = 0; i < MOST; i++) o.equal(w.computed[i], i < size, 0, "times that a number was computed", i);
    o.equal(w.wrong, 0, 0, "numbers, sizes or barriers", size);
    if (sum >= 0) o.equal(w.sum, sum, 0, "sum of loops", size);
    o.equal(omp_in_parallel() + omp_get_thread_num(), 0, 0, "outside of regions", size);
}

void *regions(void *at) {
    outcome &o = *(outcome *)at;
    gatun_set_num_threads(2);
    for (int i = 0; i < 300; i++) {
        region(o, count, 1 + i % 5, -1);
        region(o, nest, 1 + i % 4, -1);
        region(o, meet, 1 + i % 3, -1);
        region(o, loop, 1 + i % 6, 4950 + 34 * 100 - 3 * 33 * 34 / 2);
    }
    return nullptr;
}

} // namespace

void check_threads(outcome &o) {
    int before = gatun_get_max_threads();
    o.equal(gatun_set_num_threads(100000), 256, 0, "the most threads", 0);
    o.equal(gatun_set_num_threads(-3), 1, 0, "the fewest threads", 0);
    for (int size = 1; size <= MOST; size++) {
        region(o, count, size, -1);
        region(o, meet, size, -1);
    }
    gatun_set_num_threads(before);
    const int CALLERS = 5;
    pthread_t callers[CALLERS];
    outcome each[CALLERS];
    for (int i = 0; i < CALLERS; i++) pthread_create(&callers[i], nullptr, regions, &each[i]);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i], nullptr);
        o.checks += each[i].checks;
        o.failures += each[i].failures;
    }
}
