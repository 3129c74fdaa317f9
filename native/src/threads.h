/* The process's threads; see threads.cpp. */
#pragma once

/* Numbers of a region, at most. */
enum { GATUN_MAX_THREADS = 256 };

/* Whether a region of so many threads can have them all at once, or the process may not start as many. */
bool gatun_reserve_threads(int threads);
