/* What the self-checks share: buffers beside forbidden pages, random numbers, comparisons. */
#pragma once

#include "../include/gatun.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <sys/mman.h>
#include <unistd.h>

constexpr float INF = std::numeric_limits<float>::infinity();
constexpr float NOT_A_NUMBER = std::numeric_limits<float>::quiet_NaN();

/* Where a buffer touches the page that may not be touched: at its end, or at its beginning. */
enum class guard { behind, front };
inline guard guard_side = guard::behind;

/* Elements of which the first touch beyond one side is fatal. A sanitizer watches both sides of what malloc gives. */
template <typename T>
class guarded {
public:
    explicit guarded(int64_t count) : count_(count) {
        size_t bytes = (size_t)(count > 0 ? count : 0) * sizeof(T);
#ifdef __SANITIZE_ADDRESS__
        data_ = (T *)std::calloc(bytes ? bytes : 1, 1);
#else
        size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
        size_ = room + 2 * page;
        block_ = (char *)mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room) mprotect(block_ + page, room, PROT_READ | PROT_WRITE);
        data_ = (T *)(block_ + page + (guard_side == guard::behind ? room - bytes : 0));
#endif
    }
    ~guarded() {
#ifdef __SANITIZE_ADDRESS__
        std::free(data_);
#else
        munmap(block_, size_);
#endif
    }
    guarded(const guarded &) = delete;
    guarded &operator=(const guarded &) = delete;
    T *data() const { return data_; }
    T &operator[](int64_t i) const { return data_[i]; }
    int64_t count() const { return count_; }
    void fill(T value) const {
        for (int64_t i = 0; i < count_; i++) data_[i] = value;
    }

private:
    int64_t count_;
    T *data_;
    char *block_ = nullptr;
    size_t size_ = 0;
};

inline void copy(const guarded<float> &from, const guarded<float> &to) {
    for (int64_t i = 0; i < to.count(); i++) to[i] = from[i];
}

struct numbers {
    uint64_t state;
    uint32_t next() {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(state >> 33);
    }
    int64_t below(int64_t n) { return next() % n; }
    float between(float low, float high) { return low + (high - low) * (float)(next() & 0xffffff) / 16777216.0f; }
    void fill(const guarded<float> &to, float low, float high) {
        for (int64_t i = 0; i < to.count(); i++) to[i] = between(low, high);
    }
};

struct outcome {
    int64_t checks = 0, failures = 0;
    double worst = 0; /* error as a share of what is tolerated */

    void equal(double found, double expected, double tolerance, const char *what, int64_t at) {
        checks++;
        bool same = std::isnan(expected) ? std::isnan(found)
                    : std::isinf(expected) ? found == expected : std::fabs(found - expected) <= tolerance;
        if (!std::isnan(expected) && !std::isinf(expected) && tolerance > 0) {
            double share = std::fabs(found - expected) / tolerance;
            if (share > worst) worst = share;
        }
        if (!same && failures++ < 20)
            std::printf("%s: %s at %lld: %.9g, expected %.9g +- %g\n", gatun_isa(), what, (long long)at, found, expected, tolerance);
    }
};

/* Each checks all of its kernels with the instruction set and the threads that are in use. */
void check_attention(outcome &);
void check_rows(outcome &);
void check_heads(outcome &);
void check_decoding(outcome &);
void check_matrices(outcome &);
void check_narrow(outcome &);
void check_byte_conv(outcome &);
void check_recurrent(outcome &);
void check_training(outcome &);
void check_trained_sequences(outcome &);
void check_limits(outcome &);
void check_threads(outcome &);
