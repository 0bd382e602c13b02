#include "Threads.h"

_Thread_local const void *_Nullable spacetime_held_database SPACETIME_TLS_MODEL = 0;
_Thread_local bool spacetime_delivering SPACETIME_TLS_MODEL = false;
