/// How modules in WebAssembly are run.
public struct WASMOptions: Hashable, Sendable {
    /// What a guest may use.
    public var limits = WASMLimits()
    /// Whether modules may import `wasi_snapshot_preview1`, as those of plain toolchains do. Its functions are answered
    /// safely: what is printed goes to the log, time and random numbers come from the database, and there are no files, no
    /// environment and no network. False: such a module is refused, as the original does.
    public var allowsWASI = true
    /// Where compiled code is kept from one run of the program to the next.
    public var cache = WASMCache.ofUser

    /// The defaults.
    public init() {}
}

/// What a guest may use. Reaching a limit stops the guest, undoes its transaction, and gives its caller an error; nobody else
/// notices. Any numbers will do: with 0 or less there is nothing of it, and the largest number is none.
public struct WASMLimits: Hashable, Sendable {
    /// How long one call may run. What a procedure waits for does not count. The guest is stopped up to 20 ms later.
    public var callDuration = Duration.seconds(10)
    /// How long starting a module may take: what it runs to set itself up, and to describe itself.
    public var startDuration = Duration.seconds(30)
    /// How large a guest's memory may grow. Growing beyond fails, as it does where a machine has no more memory. Each guest has a
    /// memory: a database has one guest, another one that is ready once that was stopped, and one for each procedure and handler
    /// that runs.
    public var memoryByteLimit = 1 << 30
    /// How many entries a guest's tables of functions may have: up to 10,000,000 each.
    public var tableElementLimit = 1_000_000
    /// How many scans a guest may have open; and how many answers of the host, of credentials and requests say, it may leave
    /// unread.
    public var openScanLimit = 1_000
    /// How many bytes the answers have together that a guest leaves unread.
    public var unreadByteLimit = 256 << 20
    /// How many timers of the console may run.
    public var timerLimit = 1_000
    /// How many bytes one call may give back: an error, a procedure's result, the rows of a view, a response. It is also how long
    /// the description may be that a module gives of itself, and how many bytes the arguments of immediate calls may have
    /// together that one call asks for.
    public var resultByteLimit = 64 << 20
    /// How many bytes of rows one transaction may insert and update, each counted with 64 bytes more. All of them are in memory
    /// until it ends. As many bytes may the rows have that open scans have still to show when their tables are written: these are
    /// copied then.
    public var writtenByteLimit = 1 << 30
    /// How many bytes one call may write to the log, each line counted with 64 bytes more. The first line that does not fit is
    /// left out with all that follow, and a line says so; with a negative number none does.
    public var logByteLimit = 1 << 20
    /// How many immediate calls of reducers one call may ask for. A database keeps 10,000 that wait, of all its calls.
    public var immediateCallLimit = 1_000
    /// How many procedures and handlers run at once, those that wait included: each has a thread and a memory of its own.
    public var procedureLimit = 256

    /// The defaults.
    public init() {}
}

/// Where compiled code is kept from one run of the program to the next, so that a module is compiled once.
///
/// What is read from there runs with the rights of the program. So only files are read that nobody but the program's own user
/// can have written: file and directory must belong to that user, and nobody else may have the right to write to them. Others
/// are passed over, as are files that are damaged, or were made by another version of Wasmtime.
public struct WASMCache: Hashable, Sendable {
    enum Place: Hashable, Sendable {
        case none, ofUser
        case directory(String)
    }

    let place: Place

    /// Compiled code is kept in memory only.
    public static var none: WASMCache { WASMCache(place: .none) }

    /// The directory that the user has for such things: `$XDG_CACHE_HOME`, or `~/.cache` (`~/Library/Caches` on Apple's
    /// platforms), and in there `spacetimekit/wasm`.
    public static var ofUser: WASMCache { WASMCache(place: .ofUser) }

    /// A directory, which is made if there is none, for the program's user alone. It has 64 files of compiled code at most; the
    /// oldest go. Other files in it are left alone.
    public static func directory(_ path: String) -> WASMCache { WASMCache(place: .directory(path)) }
}
