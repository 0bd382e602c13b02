import CWasmtime

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Room for the memories and tables of guests, whose addresses are reserved once for all of them.
///
/// A memory that is made for one guest is a mapping with guard pages, and its end removes the mapping, which stops every thread of the
/// program for a moment: together that takes longer than all else that a guest begins with. A slot of the pool is mapped already,
/// is taken again by the same module if it can be, and what was written to it is overwritten or given back. This is Wasmtime's
/// [pooling allocator](https://docs.wasmtime.dev/api/wasmtime/struct.PoolingAllocationConfig.html).
///
/// Addresses are all that is reserved: about 45 terabytes of the 128 that a process has. Where that is too much, each memory is made
/// for its guest.
struct InstancePool {
    /// How many guests there may be at once.
    var slotCount = 10_000

    /// Tables are rare, and modules with more than one are rarer.
    private var tableCount: Int { 4 * slotCount }
    /// The most that a module may have. A guest is held to its own limits, which are lower as a rule.
    private static let memoryByteLimit = 4 << 30
    private static let tableElementLimit = 10_000_000
    private static let tablesPerModule = 64
    private static let instanceByteLimit = 64 << 20
    /// So much from the beginning of a memory is overwritten when its guest goes, instead of being given back: small modules then
    /// need no call of the system at all. It stays with the slot. Overwriting it takes a few microseconds.
    private static let keptByteCount = 128 << 10
    private static let keptTableByteCount = 8 << 10

    /// Whether the system has so many addresses left. If it has not, Wasmtime would end the program.
    var isPossible: Bool {
        // Its own memory lies where the pool would.
        if Self.hasThreadSanitizer { return false }
        // With guard pages, and as much again as a reserve for what else is reserved meanwhile.
        let memory = slotCount * (Self.memoryByteLimit + (64 << 20))
        let byteCount = memory + tableCount * Self.tableElementLimit * 8
        let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
        guard let start = unsafe mmap(nil, byteCount, PROT_NONE, flags, -1, 0), unsafe start != MAP_FAILED else {
            return false
        }
        unsafe munmap(start, byteCount)
        return true
    }

    private static var hasThreadSanitizer: Bool { unsafe dlsym(dlopen(nil, RTLD_NOW), "__tsan_init") != nil }

    /// Has engines of this configuration use a pool.
    @unsafe
    func set(_ config: OpaquePointer, _ wasmtime: Wasmtime) {
        let api = wasmtime.api
        let pool = unsafe api.wasmtime_pooling_allocation_config_new()
        unsafe api.wasmtime_pooling_allocation_config_total_core_instances_set(pool, UInt32(slotCount))
        unsafe api.wasmtime_pooling_allocation_config_total_memories_set(pool, UInt32(slotCount))
        unsafe api.wasmtime_pooling_allocation_config_total_tables_set(pool, UInt32(tableCount))
        // Those are for guests that wait on stacks of their own.
        unsafe api.wasmtime_pooling_allocation_config_total_stacks_set(pool, 0)
        unsafe api.wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, UInt32(Self.tablesPerModule))
        unsafe api.wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, Self.instanceByteLimit)
        unsafe api.wasmtime_pooling_allocation_config_max_memory_size_set(pool, Self.memoryByteLimit)
        unsafe api.wasmtime_pooling_allocation_config_table_elements_set(pool, Self.tableElementLimit)
        unsafe api.wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, Self.keptByteCount)
        unsafe api.wasmtime_pooling_allocation_config_table_keep_resident_set(pool, Self.keptTableByteCount)
        unsafe api.wasmtime_pooling_allocation_strategy_set(config, pool)
        unsafe api.wasmtime_pooling_allocation_config_delete(pool)
    }

    /// Whether an instance could not be made because no slot is free, by what Wasmtime says of it.
    static func isExhausted(_ reason: String) -> Bool { reason.contains("maximum concurrent") }
}
