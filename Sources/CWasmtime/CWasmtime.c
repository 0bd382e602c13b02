#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "CWasmtime.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text(const char *start, const char *end) {
    size_t count = strlen(start) + strlen(end) + 1;
    char *copy = malloc(count);
    if (copy) { snprintf(copy, count, "%s%s", start, end); }
    return copy;
}

const cwasmtime_api_t *cwasmtime_load(const char *path, char **problem) {
    *problem = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        *problem = text(reason ? reason : "it cannot be loaded", "");
        return NULL;
    }
    cwasmtime_api_t *api = calloc(1, sizeof(cwasmtime_api_t));
    if (!api) {
        *problem = text("out of memory", "");
        return NULL;
    }
#define CWASMTIME_FIND(result, name, parameters)                                                                       \
    {                                                                                                                  \
        void *address = dlsym(library, #name);                                                                         \
        if (!address) {                                                                                                \
            *problem = text("it has no function ", #name);                                                             \
            free(api);                                                                                                 \
            dlclose(library);                                                                                          \
            return NULL;                                                                                               \
        }                                                                                                              \
        memcpy(&api->name, &address, sizeof(address));                                                                 \
    }
    CWASMTIME_FUNCTIONS(CWASMTIME_FIND)
    return api;
}

const char *cwasmtime_image_path(void) {
    Dl_info info;
    return dladdr((const void *)&cwasmtime_load, &info) != 0 ? info.dli_fname : NULL;
}

_Thread_local uintptr_t cwasmtime_stack_end CWASMTIME_TLS_MODEL = 0;

void cwasmtime_find_stack(void) {
    // One, so that what is not known counts as a stack without an end, and is not asked for again.
    cwasmtime_stack_end = 1;
#if defined(__APPLE__)
    pthread_t thread = pthread_self();
    cwasmtime_stack_end = (uintptr_t)pthread_get_stackaddr_np(thread) - pthread_get_stacksize_np(thread);
#elif defined(__linux__)
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) { return; }
    void *end = NULL;
    size_t count = 0;
    if (pthread_attr_getstack(&attributes, &end, &count) == 0 && end) { cwasmtime_stack_end = (uintptr_t)end; }
    pthread_attr_destroy(&attributes);
#endif
}
