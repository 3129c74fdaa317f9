/*
 * The threads that compute: the entry points of the GNU OpenMP run-time library that oneDNN and our own kernels use, over one
 * pool for the whole process. A region of n threads is n numbers. Whoever opens it computes number 0 and then every number that
 * nobody has taken, so that a region never waits for a thread that sleeps; threads of the pool take what is there when they come.
 *
 * A region whose threads wait for each other (a barrier, oneDNN's shared panels) needs all of them at once. It gets them: there are
 * always as many threads as open regions have numbers beyond the first, and whoever opens a region wakes as many as it lacks. So no
 * request depends on another, and a region's result never depends on how many threads came.
 *
 * Idle threads look for work for a while before they sleep, fewer of them the busier the machine, and give their core away to
 * whoever wants it. The entry points: the documentation of libgomp ("The libgomp ABI"), and the OpenMP API, version 4.5.
 */
#include "threads.h"

#include <atomic>
#include <climits>
#include <cstdio>
#include <ctime>
#include <initializer_list>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

/* How long an idle thread looks for work, and how long the opener of a region looks whether the others are done, before they sleep.
 * Between two regions of a forward lie 2 to 50 us; waking costs about 50. */
const int64_t IDLE_NANOS = 200 * 1000, JOIN_NANOS = 200 * 1000;
const size_t STACK_BYTES = 4 << 20;
const uint32_t ASLEEP = 1u << 31;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void sleep_while(const std::atomic<uint32_t> &word, uint32_t value) {
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void wake(const std::atomic<uint32_t> &word, int threads) {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}

int64_t nanos() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

/* Looks until it is so or the time is over. On a core that somebody else wants, that one gets it. */
template <typename Condition>
bool look(int64_t limit, Condition condition) {
    for (int i = 0; i < 64; i++) {
        if (condition()) return true;
        pause();
    }
    for (int64_t end = nanos() + limit;;) {
        for (int i = 0; i < 32; i++) {
            if (condition()) return true;
            pause();
        }
        sched_yield();
        if (nanos() > end) return condition();
    }
}

/* Held for some tens of nanoseconds. */
class Lock {
    std::atomic<bool> held{false};

  public:
    void lock() {
        for (int i = 0; held.exchange(true, std::memory_order_acquire); i++) {
            while (held.load(std::memory_order_relaxed)) {
                pause();
                if (++i % 64 == 0) sched_yield();
            }
        }
    }
    void unlock() { held.store(false, std::memory_order_release); }
};

/* One parallel region, on its opener's stack: a thread of the pool lets go of it with its last access to running. */
struct Region {
    void (*body)(void *);
    void *data;
    int size, limit;
    int taken = 1;
    int cpu = sched_getcpu(); /* its opener's */
    uint64_t mask[GATUN_MAX_THREADS / 64] = {1}; /* numbers that are taken */
    Region *next = nullptr;
    std::atomic<uint32_t> running{0}; /* threads of the pool inside, and ASLEEP while the opener sleeps */
    std::atomic<uint32_t> arrived{0}, phase{0}, waiting{0};
    /* A loop whose chunks are handed out. Whoever comes late to a loop that others have left finds it empty. */
    Lock loop_lock;
    int loop = 0;
    long at = 0, end = 0, step = 0;

    Region(void (*body)(void *), void *data, int size, int limit) : body(body), data(data), size(size), limit(limit) {}

    /* The wished number if it is free, else the first that is. Guarded by the pool. */
    int take(int wished) {
        taken++;
        int number = wished < size ? wished : 0;
        if (mask[number / 64] >> number % 64 & 1)
            for (number = 0; mask[number / 64] >> number % 64 & 1;) number++;
        mask[number / 64] |= (uint64_t)1 << number % 64;
        return number;
    }
};

/* What this thread is. */
struct Here {
    Region *region;
    int number, loop;
    int limit; /* threads of the regions that it opens; 0: as many as processors */
};
thread_local Here here = {nullptr, 0, 0, 0};

int processors() {
    static std::atomic<int> count{0};
    int n = count.load(std::memory_order_relaxed);
    if (n == 0) {
        cpu_set_t set;
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
        n = n < 1 ? 1 : n > GATUN_MAX_THREADS ? GATUN_MAX_THREADS : n;
        count.store(n, std::memory_order_relaxed);
    }
    return n;
}

/* To another core, if this thread may run on one, and back to where it may. A virtual machine's idle core looks taken away to the
 * scheduler, which then wakes a thread on the core of whoever wakes it: both would share that one for most of a forward. */
void leave(int cpu) {
    cpu_set_t all, others;
    if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) return;
    others = all;
    CPU_CLR(cpu, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0) sched_setaffinity(0, sizeof all, &all);
}

int limit_here() { return here.limit > 0 ? here.limit : processors(); }

void compute(Region &region, int number) {
    Here outer = here;
    here = {&region, number, 0, region.limit};
    region.body(region.data);
    here = outer;
}

class Pool {
    Lock lock;
    Region *first = nullptr, *last = nullptr; /* regions with numbers that nobody has taken, oldest first */
    std::atomic<int> threads{0}; /* that exist */
    int needed = 0, regions = 0; /* numbers of all regions beyond their first; regions */
    int awake = 0, asleep = 0;   /* threads without a region: those that will look again before they sleep, and those that sleep */
    std::atomic<int> open{0};    /* numbers that nobody has taken */
    std::atomic<uint32_t> tickets{0}; /* threads that may wake */

    void unlink(Region *region) {
        Region *before = nullptr;
        for (Region *r = first; r != region; r = r->next) before = r;
        (before ? before->next : first) = region->next;
        if (last == region) last = before;
    }

    int take(Region *region, int wished) {
        open.fetch_sub(1, std::memory_order_relaxed);
        int number = region->take(wished);
        if (region->taken == region->size) unlink(region);
        return number;
    }

    /* Locked. Whether more threads want cores than there are. */
    bool crowded() const { return threads - asleep + regions > processors(); }

    /* Locked. Whether there are as many threads now. */
    bool grow(int count) {
        while (threads < count) {
            pthread_attr_t attributes;
            pthread_attr_init(&attributes);
            pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
            pthread_attr_setstacksize(&attributes, STACK_BYTES);
            /* Signals that are sent to the process are others' business. */
            sigset_t all, old;
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, &old);
            pthread_t thread;
            int status = pthread_create(&thread, &attributes, [](void *slot) -> void * {
                pool.work((int)(intptr_t)slot);
                return nullptr;
            }, (void *)(intptr_t)(threads + 1));
            pthread_sigmask(SIG_SETMASK, &old, nullptr);
            pthread_attr_destroy(&attributes);
            if (status != 0) return false;
            threads++;
            awake++;
        }
        return true;
    }

    void work(int slot) {
        char name[16];
        snprintf(name, sizeof name, "gatun-%d", slot);
        pthread_setname_np(pthread_self(), name);
        sigset_t faults;
        sigemptyset(&faults);
        for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaddset(&faults, signal);
        pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
        lock.lock();
        for (;;) {
            while (first) {
                Region *region = first;
                if (region->cpu == sched_getcpu() && !crowded()) {
                    int cpu = region->cpu;
                    lock.unlock();
                    leave(cpu);
                    lock.lock();
                    if (!(region = first)) break;
                }
                int number = take(region, slot);
                awake--;
                region->running.fetch_add(1, std::memory_order_relaxed);
                lock.unlock();
                compute(*region, number);
                if (region->running.fetch_sub(1, std::memory_order_acq_rel) == (ASLEEP | 1)) wake(region->running, 1);
                lock.lock();
                awake++;
            }
            bool crowded = this->crowded();
            lock.unlock();
            if (!crowded) look(IDLE_NANOS, [&] { return open.load(std::memory_order_relaxed) > 0; });
            lock.lock();
            if (first) continue;
            awake--;
            asleep++;
            lock.unlock();
            for (uint32_t n = tickets.load();;) {
                if (n == 0) {
                    sleep_while(tickets, 0);
                    n = tickets.load();
                } else if (tickets.compare_exchange_weak(n, n - 1)) break;
            }
            lock.lock(); /* who gave the ticket has counted this thread as awake */
        }
    }

  public:
    static Pool pool;

    bool reserve(int count) {
        if (threads.load(std::memory_order_relaxed) >= count) return true;
        lock.lock();
        bool enough = grow(count);
        lock.unlock();
        return enough;
    }

    void run(Region &region) {
        int others = region.size - 1, woken = 0;
        lock.lock();
        needed += others;
        regions++;
        grow(needed);
        (last ? last->next : first) = &region;
        last = &region;
        int lacking = open.fetch_add(others, std::memory_order_relaxed) + others - awake;
        if (lacking > 0 && asleep > 0) {
            woken = lacking < asleep ? lacking : asleep;
            asleep -= woken;
            awake += woken;
            tickets.fetch_add((uint32_t)woken);
        }
        lock.unlock();
        if (woken) wake(tickets, woken);
        compute(region, 0);
        lock.lock();
        while (region.taken < region.size) {
            int number = take(&region, region.size - 1);
            lock.unlock();
            compute(region, number);
            lock.lock();
        }
        lock.unlock();
        if (!look(JOIN_NANOS, [&] { return region.running.load(std::memory_order_acquire) == 0; })) {
            uint32_t n = region.running.load(std::memory_order_acquire);
            while ((n & ~ASLEEP) != 0) {
                if (!(n & ASLEEP) && !region.running.compare_exchange_weak(n, n | ASLEEP)) continue;
                sleep_while(region.running, n | ASLEEP);
                n = region.running.load(std::memory_order_acquire);
            }
        }
        lock.lock();
        needed -= others;
        regions--;
        lock.unlock();
    }
};
Pool Pool::pool;

} // namespace

bool gatun_reserve_threads(int threads) { return threads <= 1 || Pool::pool.reserve(threads - 1); }

EXPORT int omp_get_max_threads() { return limit_here(); }
EXPORT int omp_get_num_threads() { return here.region ? here.region->size : 1; }
EXPORT int omp_get_thread_num() { return here.number; }
EXPORT int omp_in_parallel() { return here.region && here.region->size > 1; }
EXPORT void omp_set_num_threads(int threads) { here.limit = threads > GATUN_MAX_THREADS ? GATUN_MAX_THREADS : threads < 1 ? 1 : threads; }

EXPORT void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned) {
    int limit = limit_here();
    int size = omp_in_parallel() ? 1 : threads == 0 ? limit : threads > GATUN_MAX_THREADS ? GATUN_MAX_THREADS : (int)threads;
    Region region(body, data, size, limit);
    if (size > 1) Pool::pool.run(region);
    else compute(region, 0);
}

EXPORT void GOMP_barrier() {
    Region *region = here.region;
    if (!region || region->size == 1) return;
    uint32_t phase = region->phase.load(std::memory_order_acquire);
    if (region->arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == (uint32_t)region->size) {
        region->arrived.store(0, std::memory_order_relaxed);
        region->phase.store(phase + 1);
        if (region->waiting.load() > 0) wake(region->phase, INT_MAX);
        return;
    }
    auto passed = [&] { return region->phase.load(std::memory_order_acquire) != phase; };
    if (look(JOIN_NANOS, passed)) return;
    region->waiting.fetch_add(1);
    while (!passed()) sleep_while(region->phase, phase);
    region->waiting.fetch_sub(1);
}

EXPORT bool GOMP_loop_nonmonotonic_dynamic_next(long *first, long *end) {
    Region *region = here.region;
    region->loop_lock.lock();
    bool some = region->loop == here.loop && (region->step > 0 ? region->at < region->end : region->at > region->end);
    if (some) {
        *first = region->at;
        *end = region->step > 0 ? (region->end - region->at < region->step ? region->end : region->at + region->step)
                                : (region->end - region->at > region->step ? region->end : region->at + region->step);
        region->at = *end;
    }
    region->loop_lock.unlock();
    return some;
}

EXPORT bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long increment, long chunk, long *first, long *last) {
    Region *region = here.region;
    int loop = ++here.loop;
    region->loop_lock.lock();
    if (region->loop < loop) {
        region->loop = loop;
        region->at = start;
        region->end = end;
        region->step = increment * chunk;
    }
    region->loop_lock.unlock();
    return GOMP_loop_nonmonotonic_dynamic_next(first, last);
}

EXPORT void GOMP_loop_end_nowait() {}
