public import SpacetimeSATS

/// How much a line of a module's log matters.
public enum LogLevel: UInt8, Hashable, Sendable, CaseIterable {
    /// Something failed.
    case error = 0
    /// Something is not as it should be, and went on.
    case warn = 1
    /// Something happened that is worth knowing.
    case info = 2
    /// For whoever looks for a mistake.
    case debug = 3
    /// For whoever follows every step.
    case trace = 4
    /// A guest's code broke off. Matters most of all.
    case panic = 101

    /// The level that a guest names by number. Numbers without a meaning count as ``debug``.
    public init(number: UInt8) { self = LogLevel(rawValue: number) ?? .debug }

    /// As lines of logs spell it: `Info`.
    public var name: String {
        switch self {
        case .error: "Error"
        case .warn: "Warn"
        case .info: "Info"
        case .debug: "Debug"
        case .trace: "Trace"
        case .panic: "Panic"
        }
    }

    /// The level of a ``name``; nil for anything else.
    public init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// True if a log that keeps lines down to `threshold` keeps those of this level.
    public func isKept(downTo threshold: LogLevel) -> Bool {
        self == .panic || (threshold != .panic && rawValue <= threshold.rawValue)
    }
}

/// One line of a module's log.
public struct LogRecord: Hashable, Sendable {
    /// One call in the trace of a ``LogLevel/panic``, innermost first.
    public struct Frame: Hashable, Sendable {
        /// The module, if it has a name.
        public var module: String?
        /// The function, if it has a name.
        public var function: String?

        public init(module: String?, function: String?) {
            self.module = module
            self.function = function
        }
    }

    public var level: LogLevel
    /// When it was written, by the clock of the database.
    public var timestamp: Timestamp
    /// The part of the program that wrote it: of Swift code its module.
    public var target: String?
    /// The source file.
    public var file: String?
    /// The line in the source file.
    public var line: UInt32?
    /// The reducer, procedure, handler or view that ran.
    public var function: String?
    /// The text. More than one line is allowed.
    public var message: String
    /// Where the code was. Of panics only.
    public var trace: [Frame]

    public init(
        _ level: LogLevel, at timestamp: Timestamp, target: String? = nil, file: String? = nil, line: UInt32? = nil,
        function: String? = nil, message: String, trace: [Frame] = []
    ) {
        self.level = level
        self.timestamp = timestamp
        self.target = target
        self.file = file
        self.line = line
        self.function = function
        self.message = message
        self.trace = trace
    }

    /// What stands for target, file and function in lines that the database itself writes.
    public static let host = "__spacetimedb__"

    /// A line of the database itself.
    static func ofHost(_ level: LogLevel, at timestamp: Timestamp, _ message: String) -> LogRecord {
        LogRecord(level, at: timestamp, target: host, file: host, function: host, message: message)
    }

    /// True of lines that the database itself wrote.
    public var isOfHost: Bool { target == Self.host }

    /// About how much memory it takes.
    var byteCount: Int {
        // The record itself and the heads of its texts.
        var count = 192 + message.utf8.count
        count += (target?.utf8.count ?? 0) + (file?.utf8.count ?? 0) + (function?.utf8.count ?? 0)
        for frame in trace { count += 64 + (frame.module?.utf8.count ?? 0) + (frame.function?.utf8.count ?? 0) }
        return count
    }
}

// MARK: - JSON

extension LogRecord {
    /// The record as an object of JSON on one line, without the newline: `{"level":"Info","ts":1700000000123456,…}`.
    /// What is nil is left out.
    public var json: String { String(decoding: jsonLine.dropLast(), as: UTF8.self) }

    /// ``json`` as UTF-8, with the newline.
    package var jsonLine: [UInt8] {
        var printer = JSONPrinter()
        printer.write(raw: #"{"level":""# + level.name + #"","ts":"#)
        printer.write(raw: String(timestamp.microsecondsSinceUnixEpoch))
        func write(_ key: String, _ text: String?) {
            guard let text else { return }
            printer.write(raw: key)
            printer.write(quoted: text)
        }
        write(#","target":"#, target)
        write(#","filename":"#, file)
        if let line { printer.write(raw: #","line_number":"# + String(line)) }
        write(#","function":"#, function)
        write(#","message":"#, message)
        if level == .panic {
            printer.write(raw: #","trace":"#)
            printer.write(.array(trace.map(\.json)))
        }
        printer.write(raw: "}\n")
        return printer.bytes
    }

    /// Reads a line that ``jsonLine`` made. Nil if it is none: what another version wrote that is not understood is no
    /// reason to fail.
    package init?(jsonLine: [UInt8]) {
        guard let json = try? JSON(parsing: jsonLine),
            let level = json["level"]?.stringValue.flatMap(LogLevel.init(name:)),
            let time = json["ts"]?.integerValue(as: Int64.self), let message = json["message"]?.stringValue
        else { return nil }
        self.init(
            level, at: Timestamp(microsecondsSinceUnixEpoch: time), target: json["target"]?.stringValue,
            file: json["filename"]?.stringValue, line: json["line_number"]?.integerValue(),
            function: json["function"]?.stringValue, message: message,
            trace: json["trace"]?.arrayValue?.map(Frame.init(json:)) ?? [])
    }
}

extension LogRecord.Frame {
    fileprivate var json: JSON {
        .object(
            [
                module.map { JSON.Member("module_name", .string($0)) },
                function.map { JSON.Member("func_name", .string($0)) },
            ]
            .compactMap(\.self))
    }

    fileprivate init(json: JSON) {
        self.init(module: json["module_name"]?.stringValue, function: json["func_name"]?.stringValue)
    }
}
