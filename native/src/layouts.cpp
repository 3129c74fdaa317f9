/* Where the compiler put the fields of gatun.h's structs: a test compares the generated bindings with it. */
#include "../include/gatun.h"

#include <cstddef>
#include <cstring>

struct layout_entry {
    const char *name;
    int64_t value;
};

static const layout_entry entries[] = {
#include "layouts.inc"
};

/* Size of a struct ("gatun_pool_args") or offset of a field ("gatun_pool_args.x"); -1 if there is none. */
extern "C" GATUN_API int64_t gatun_layout(const char *name) {
    for (const layout_entry &entry : entries)
        if (std::strcmp(entry.name, name) == 0) return entry.value;
    return -1;
}
