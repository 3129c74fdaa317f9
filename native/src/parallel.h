/* Loops on the threads of threads.cpp, by the same entry points that oneDNN uses: any compiler's, with no runtime of its own. */
#pragma once

#include <atomic>
#include <cstdint>

#include "threads.h"

extern "C" {
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
void GOMP_barrier();
void omp_set_num_threads(int threads);
int omp_get_max_threads();
int omp_get_thread_num();
int omp_get_num_threads();
}

/* Regions that the calling thread opens have so many numbers. */
static inline int64_t threads_here() { return omp_get_max_threads(); }

/* body(number, of) for so many numbers at once, which may wait for each other. */
template <typename Body>
static inline void parallel(int64_t threads, const Body &body) {
    if (threads <= 1) return body(0, 1);
    GOMP_parallel([](void *data) { (*static_cast<const Body *>(data))(omp_get_thread_num(), omp_get_num_threads()); },
                  const_cast<Body *>(&body), (unsigned)threads, 0);
}

/* Where all numbers of a region wait for each other. */
static inline void barrier() { GOMP_barrier(); }

/* body(i) for a number's share of 0 .. count. */
template <typename Body>
static inline void share_of(int64_t number, int64_t of, int64_t count, const Body &body) {
    for (int64_t i = count * number / of, end = count * (number + 1) / of; i < end; i++) body(i);
}

/* body(i, number) for 0 .. count in equal shares, on this thread alone unless it is worth waking others. */
template <typename Body>
static inline void parallel_for(int64_t count, bool worthwhile, const Body &body) {
    int64_t threads = worthwhile && count > 1 ? threads_here() : 1;
    parallel(threads, [&](int64_t number, int64_t of) { share_of(number, of, count, [&](int64_t i) { body(i, number); }); });
}

/* The same, one after the other to whoever is free: for shares of unlike work. */
template <typename Body>
static inline void parallel_in_turn(int64_t count, const Body &body) {
    std::atomic<int64_t> next{0};
    parallel(count > 1 ? threads_here() : 1, [&](int64_t number, int64_t) {
        for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(i, number);
    });
}
