import SpacetimeDurability
import SpacetimeHost

/// The bytes of a simulated disk: what is seen, what is safe, and what happened in between.
struct DiskState: Sendable {
    struct File: Sendable {
        var bytes: [UInt8] = []

        func read(at offset: UInt64, count: Int) -> [UInt8] {
            guard offset < UInt64(bytes.count) else { return [] }
            return Array(bytes[Int(offset)...].prefix(count))
        }

        mutating func write(_ new: [UInt8], at offset: Int) {
            if bytes.count < offset + new.count {
                bytes.append(contentsOf: repeatElement(0, count: offset + new.count - bytes.count))
            }
            bytes.replaceSubrange(offset..<(offset + new.count), with: new)
        }

        mutating func resize(to size: Int) {
            if size < bytes.count {
                bytes.removeLast(bytes.count - size)
            } else {
                bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
            }
        }
    }

    /// Something that happened and is not safe yet.
    enum Change: Sendable {
        /// At most a sector of one file.
        case write(file: Int, offset: Int, bytes: [UInt8])
        case resize(file: Int, size: Int)
        /// What names stand for from now on, all at once; nil for nothing. A renaming changes two.
        case names([String: Int?])
    }

    static let sectorByteCount = 512

    var faults: SimulatedDisk.Faults
    var isOff = false
    var operationCount = 0
    var syncCount = 0
    private(set) var history: [String] = []
    var locks: Set<String> = []
    var directories: Set<String> = []
    /// What is seen now.
    var names: [String: Int] = [:]
    var files: [Int: File] = [:]
    /// What a loss of power leaves if nothing of `changes` survives.
    private var safeNames: [String: Int] = [:]
    private var safeFiles: [Int: File] = [:]
    private var changes: [Change] = []
    private var nextFile = 0

    init(_ faults: SimulatedDisk.Faults) { self.faults = faults }

    static var noPower: DiskError {
        DiskError(.inputOutput, operation: "using the disk", path: "", reason: "the power is off")
    }

    func requirePower() throws(DiskError) { if isOff { throw Self.noPower } }

    var byteCount: UInt64 { names.values.reduce(0) { $0 + UInt64(files[$1]?.bytes.count ?? 0) } }

    func file(_ path: String) -> File? { names[path].flatMap { files[$0] } }

    mutating func note(_ operation: String) {
        if history.count == 64 { history.removeFirst(32) }
        history.append(operation)
    }

    // MARK: Changes

    /// Directories are safe at once.
    mutating func makeDirectory(_ path: String) throws(DiskError) {
        var made = ""
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (i, part) in parts.enumerated() {
            made += (i == 0 ? "" : "/") + String(Substring(part))
            if names[made] != nil { throw Self.notADirectory("making the directory", path) }
            if !made.isEmpty { directories.insert(made) }
        }
    }

    /// Files and directories in a directory, sorted.
    func list(_ directory: String) throws(DiskError) -> [String] {
        try requireDirectory(directory, "listing")
        return (Array(names.keys) + Array(directories)).compactMap { Self.name(of: $0, in: directory) }.sorted()
    }

    private func requireDirectory(_ path: String, _ operation: String) throws(DiskError) {
        if path == "." || directories.contains(path) { return }
        var part = path
        while part != ".", part != "/" {
            if names[part] != nil { throw Self.notADirectory(operation, path) }
            part = parentDirectory(of: part)
        }
        throw DiskError(.notFound, operation: operation, path: path, reason: "there is no such directory")
    }

    private static func notADirectory(_ operation: String, _ path: String) -> DiskError {
        DiskError(.notADirectory, operation: operation, path: path, reason: "it is a file, not a directory")
    }

    func requireNotADirectory(_ path: String, _ operation: String) throws(DiskError) {
        if directories.contains(path) {
            throw DiskError(.notAFile, operation: operation, path: path, reason: "it is a directory, not a file")
        }
    }

    mutating func lock(_ directory: String) throws(DiskError) {
        try requireDirectory(directory, "locking")
        guard locks.insert(directory).inserted else {
            throw DiskError(.locked, operation: "locking", path: directory, reason: "it is in use")
        }
    }

    mutating func create(_ path: String) throws(DiskError) -> Int {
        guard names[path] == nil, !directories.contains(path) else {
            throw DiskError(.exists, operation: "opening", path: path, reason: "the file exists")
        }
        try requireDirectory(parentDirectory(of: path), "opening")
        let id = nextFile
        nextFile += 1
        files[id] = File()
        safeFiles[id] = File()
        setNames([path: id])
        return id
    }

    mutating func rename(_ path: String, _ newPath: String) throws(DiskError) {
        guard let id = names[path] else {
            throw DiskError(.notFound, operation: "renaming", path: path, reason: "there is no such file")
        }
        try requireNotADirectory(newPath, "renaming")
        setNames([newPath: id, path: nil])
    }

    mutating func remove(_ path: String) throws(DiskError) {
        try requireNotADirectory(path, "removing")
        guard names[path] != nil else {
            throw DiskError(.notFound, operation: "removing", path: path, reason: "there is no such file")
        }
        setNames([path: nil])
    }

    private mutating func setNames(_ new: [String: Int?]) {
        for (path, file) in new { names[path] = file }
        changes.append(.names(new))
    }

    mutating func write(_ id: Int, _ bytes: [UInt8], at offset: UInt64, _ path: String) throws(DiskError) {
        try requireRoom(id, Int(offset) + bytes.count, path)
        files[id, default: File()].write(bytes, at: Int(offset))
        var start = 0
        while start < bytes.count {
            let position = Int(offset) + start
            let count = min(Self.sectorByteCount - position % Self.sectorByteCount, bytes.count - start)
            changes.append(.write(file: id, offset: position, bytes: Array(bytes[start..<(start + count)])))
            start += count
        }
    }

    private func requireRoom(_ id: Int, _ size: Int, _ path: String) throws(DiskError) {
        let growth = max(0, size - (files[id]?.bytes.count ?? 0))
        if let capacity = faults.capacity, byteCount + UInt64(growth) > capacity {
            throw DiskError(.full, operation: "writing", path: path, reason: "no space is left")
        }
    }

    mutating func lengthen(_ id: Int, to size: UInt64, _ path: String) throws(DiskError) {
        guard let file = files[id], file.bytes.count < Int(size) else { return }
        try truncate(id, to: size, path)
    }

    mutating func truncate(_ id: Int, to size: UInt64, _ path: String) throws(DiskError) {
        try requireRoom(id, Int(size), path)
        files[id, default: File()].resize(to: Int(size))
        changes.append(.resize(file: id, size: Int(size)))
    }

    // MARK: Making safe

    mutating func sync(_ id: Int, _ path: String) throws(DiskError) {
        defer { syncCount += 1 }
        if faults.failingSyncs.contains(syncCount) {
            throw DiskError(.inputOutput, operation: "syncing", path: path, reason: "the disk reported an error")
        }
        makeSafe { change in
            switch change {
            case .write(let file, _, _), .resize(let file, _): file == id
            case .names: false
            }
        }
    }

    mutating func syncDirectory(_ path: String) {
        makeSafe { change in
            if case .names(let names) = change {
                names.keys.allSatisfy { Self.name(of: $0, in: path) != nil }
            } else {
                false
            }
        }
    }

    /// What a file is called in a directory, nil if it lies elsewhere.
    static func name(of path: String, in directory: String) -> String? {
        let prefix = (directory == "." ? "" : directory + "/").utf8
        guard path.utf8.starts(with: prefix) else { return nil }
        let name = path.utf8.dropFirst(prefix.count)
        return name.isEmpty || name.contains(UInt8(ascii: "/")) ? nil : String(Substring(name))
    }

    private mutating func makeSafe(_ isMeant: (Change) -> Bool) {
        for change in changes where isMeant(change) { apply(change) }
        changes.removeAll(where: isMeant)
    }

    /// To the safe image.
    private mutating func apply(_ change: Change) {
        switch change {
        case .write(let file, let offset, let bytes): safeFiles[file, default: File()].write(bytes, at: offset)
        case .resize(let file, let size): safeFiles[file, default: File()].resize(to: size)
        case .names(let names): for (path, file) in names { safeNames[path] = file }
        }
    }

    mutating func setContents(_ path: String, _ bytes: [UInt8]) {
        let parent = parentDirectory(of: path)
        if parent != "." { try? makeDirectory(parent) }
        let id = names[path] ?? nextFile
        nextFile = max(nextFile, id + 1)
        names[path] = id
        safeNames[path] = id
        files[id] = File(bytes: bytes)
        safeFiles[id] = File(bytes: bytes)
    }

    // MARK: Losing power

    func afterPowerLoss(_ loss: SimulatedDisk.Loss, seed: UInt64) -> DiskState {
        var after = self
        var random = DeterministicRandom(seed: seed)
        let unsynced = changes
        after.changes = []
        switch loss {
        case .everythingUnsynced: break
        case .nothing: for change in unsynced { after.apply(change) }
        case .suffix:
            for change in unsynced.prefix(Int.random(in: 0...unsynced.count, using: &random)) { after.apply(change) }
        case .arbitrarySectors: for change in unsynced where Bool.random(using: &random) { after.apply(change) }
        case .tornSectors: for change in unsynced { after.apply(Self.torn(change, &random)) }
        }
        after.faults = SimulatedDisk.Faults()
        after.isOff = false
        after.operationCount = 0
        after.syncCount = 0
        after.locks = []
        after.names = after.safeNames
        after.files = after.safeFiles
        return after
    }

    /// One write in four keeps its beginning only, or becomes garbage.
    private static func torn(_ change: Change, _ random: inout DeterministicRandom) -> Change {
        guard case .write(let file, let offset, var bytes) = change, Int.random(in: 0..<4, using: &random) == 0 else {
            return change
        }
        if Bool.random(using: &random) {
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
        } else {
            for i in bytes.indices { bytes[i] = UInt8(truncatingIfNeeded: random.next()) }
        }
        return .write(file: file, offset: offset, bytes: bytes)
    }
}
