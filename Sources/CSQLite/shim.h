// The system's SQLite 3, by its own header. Only the SQLite exporter and the benchmarks import this module.
#include <sqlite3.h>
