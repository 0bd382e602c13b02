/// What a database keeps of its module's log.
public struct ModuleLogOptions: Hashable, Sendable {
    /// Lines that matter less than this are not written, and their texts not made.
    public var level = LogLevel.trace
    /// How many lines are kept in memory, for whoever reads or follows them. The oldest go first.
    public var recordLimit = 100_000
    /// About how many bytes these may take.
    public var byteLimit = 16 << 20
    /// The longest text of a line, in bytes. What is longer is cut.
    public var messageByteLimit = 64 << 10
    /// How many bytes the files of the log may take that a database in a directory keeps; the oldest go first. Zero: there
    /// are no files.
    public var fileByteLimit = 64 << 20

    /// The defaults.
    public init() {}
}
