import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// Large rows in the log: by what changed in them.
@Suite struct RowEditTests {
    private func encoded(from old: [UInt8], to new: [UInt8], limit: Int = .max) -> [UInt8]? {
        var writer = BSATNWriter()
        writer.write(7 as UInt8)
        let isWritten = old.withUnsafeBytes { old in
            new.withUnsafeBytes { new in RowEdit.append(from: old, to: new, limit: limit, &writer) }
        }
        #expect(isWritten || writer.count == 1, "edits that are too long leave nothing behind")
        return isWritten ? Array(writer.toArray().dropFirst()) : nil
    }

    private func apply(_ edits: [UInt8], to old: [UInt8]) throws -> [UInt8] {
        try edits.withUnsafeBytes { edits in try old.withUnsafeBytes { try RowEdit.apply(edits, to: $0) } }
    }

    // MARK: The edits

    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        let byteLimit: Int
        let make: @Sendable ([UInt8]) -> [UInt8]
        var testDescription: String { name }
    }

    /// A row of 20,000 bytes: a counter, a string of 9,000, a list of 2,000 numbers, a time.
    private static let row: [UInt8] = {
        var random = SplitMix64(seed: 5)
        var writer = BSATNWriter()
        writer.write(17 as UInt64)
        writer.write(String(decoding: (0..<9_000).map { _ in UInt8(97 + random.below(26)) }, as: UTF8.self))
        writer.writeCount(2_744)
        for number in 0..<2_744 { writer.write(UInt32(number * 3)) }
        writer.write(1_700_000_000 as Int64)
        return writer.toArray()
    }()

    static let changes: [Change] = [
        Change(name: "nothing", byteLimit: 3) { $0 },
        Change(name: "a bit", byteLimit: 10) { $0.with { $0[10_000] ^= 1 } },
        Change(name: "the first byte", byteLimit: 10) { $0.with { $0[0] += 1 } },
        Change(name: "the last byte", byteLimit: 10) { $0.with { $0[$0.count - 1] = 9 } },
        Change(name: "a counter before, a time behind", byteLimit: 20) { row in
            row.with {
                $0[0] = 200
                for i in 1...4 { $0[$0.count - i] = 77 }
            }
        },
        Change(name: "a text that grows at its end", byteLimit: 40) { row in
            row.with {
                $0.insert(contentsOf: Array("a few more".utf8), at: 9_012)
                $0[8] &+= 10
            }
        },
        Change(name: "a text that grows in the middle, and a counter, and a time", byteLimit: 60) { row in
            row.with {
                $0.insert(contentsOf: Array("a few more".utf8), at: 4_000)
                $0[8] &+= 10
                $0[0] = 99
                $0[$0.count - 8] = 1
            }
        },
        Change(name: "a text that loses its beginning", byteLimit: 40) { row in
            row.with {
                $0.removeSubrange(12..<300)
                $0[8] = 1
            }
        },
        Change(name: "a list that loses an element", byteLimit: 40) { row in
            row.with {
                $0.removeSubrange(15_000..<15_004)
                $0[9_012] &-= 1
            }
        },
        Change(name: "ten fields far apart", byteLimit: 100) { row in
            row.with { row in for i in 0..<10 { row[100 + i * 1_700] ^= 0x80 } }
        },
    ]

    @Test(arguments: changes)
    func whatChangesCostsWhatItIs(_ change: Change) throws {
        let (old, new) = (Self.row, change.make(Self.row))
        #expect(old.count == 20_000)
        for (old, new) in [(old, new), (new, old)] {
            let edits = try #require(encoded(from: old, to: new))
            #expect(try apply(edits, to: old) == new)
            // Removing takes the same edits, and what was removed to put back.
            #expect(edits.count <= change.byteLimit + max(0, new.count - old.count))
        }
    }

    @Test func editsMakeTheNewImage() throws {
        var random = seededRandom()
        for _ in 0..<4_000 {
            let isRepetitive = random.oneIn(2)
            let old = (0..<(1 + random.below(600))).map { _ in UInt8(random.below(isRepetitive ? 2 : 256)) }
            var new = old
            for _ in 0..<random.below(6) {
                let start = random.below(new.count + 1)
                let end = start + random.below(min(new.count - start, 90) + 1)
                new.replaceSubrange(start..<end, with: random.bytes(random.oneIn(3) ? end - start : random.below(90)))
            }
            if new.isEmpty { continue }
            let edits = try #require(encoded(from: old, to: new))
            #expect(try apply(edits, to: old) == new)
            #expect(encoded(from: old, to: new, limit: edits.count) == edits)
            #expect(encoded(from: old, to: new, limit: edits.count - 1) == nil)
        }
    }

    @Test func anyBytesAreEditsOrThrow() {
        var random = seededRandom()
        var applied = 0
        for _ in 0..<20_000 {
            let old = random.bytes(random.below(40))
            // The length that is expected is right, so that what follows it is looked at.
            let edits =
                [UInt8(old.count)] + (0..<random.below(12)).map { _ in UInt8(random.below(random.oneIn(4) ? 256 : 8)) }
            switch outcome({ try apply(edits, to: old) }) {
            case .success: applied += 1
            case .failure(.malformedChanges): break
            case .failure(let error): Issue.record("\(error)")
            }
        }
        #expect(applied > 100)
    }

    // MARK: The log

    private static let columns: [(String, AlgebraicType)] = [
        ("id", .u32), ("count", .u64), ("text", .string), ("name", .string),
    ]

    private func make(_ datastore: Datastore) throws -> TableID {
        try datastore.make(
            "page", Self.columns, primaryKey: [0], indexes: [IndexSchema(name: "page_id", columns: [0])], unique: [[3]])
    }

    private func row(_ id: UInt32, _ count: UInt64, _ text: String, _ name: String? = nil) -> Row {
        [.u32(id), .u64(count), .string(text), .string(name ?? "row \(id)")]
    }

    /// What a transaction logs. The replica has the same rows afterwards.
    private func log(_ datastore: Datastore, _ replica: Datastore, _ body: () throws -> Void) throws -> [UInt8] {
        let log = LogBuffer()
        datastore.begin()
        try body()
        log.encode(datastore)
        datastore.commit()
        let before = try log.withBytes { try replica.describe($0) }
        try log.withBytes { try replica.replay($0) }
        // What is said of the changes is the same before and after them.
        #expect(try log.withBytes { try replica.describe($0, areApplied: true) } == before)
        for table in datastore.tableIDs {
            #expect(try replica.rows(table).sortedBytes() == datastore.rows(table).sortedBytes())
        }
        try replica.checkInvariants()
        return log.bytes
    }

    private func pair() throws -> (Datastore, Datastore, TableID) {
        let (datastore, replica) = (Datastore(), Datastore(hashSeed: 3))
        _ = try make(replica)
        return (datastore, replica, try make(datastore))
    }

    @Test func oneBitOfALargeRowLogsFewBytes() throws {
        let (datastore, replica, table) = try pair()
        let text = String(repeating: "many words ", count: 1_900)
        let whole = try log(datastore, replica) { try datastore.insert(table, row(1, 0, text)) }
        #expect(whole.count > 20_000)
        let edited = try log(datastore, replica) { try datastore.update(datastore.index(table), row(1, 1, text)) }
        #expect(edited.count < 40)
        let often = try log(datastore, replica) {
            for count in 2..<1_000 as Range<UInt64> {
                try datastore.update(datastore.index(table), row(1, count, text))
            }
        }
        #expect(often.count < 40)
        let nothing = try log(datastore, replica) {
            for count in [5, 999] as [UInt64] { try datastore.update(datastore.index(table), row(1, count, text)) }
        }
        #expect(nothing == [])
    }

    @Test func rowsThatMoveAreLoggedByWhatChanged() throws {
        let (datastore, replica, table) = try pair()
        var text = String(repeating: "x", count: 5_000)
        _ = try log(datastore, replica) { try datastore.insert(table, row(1, 0, text)) }
        for round in 1...12 as ClosedRange<UInt64> {
            text += String(repeating: "y", count: 300)
            let logged = try log(datastore, replica) {
                try datastore.update(datastore.index(table), row(1, round, text))
                // Moved twice in one transaction is moved once.
                try datastore.update(datastore.index(table), row(1, round, text + String(repeating: "z", count: 3_000)))
                try datastore.update(datastore.index(table), row(1, round, text))
            }
            #expect(logged.count < 360)
        }
        // Deleted and inserted again is the same.
        let again = try log(datastore, replica) {
            try datastore.delete(datastore.index(table), [.u32(1)])
            try datastore.insert(table, row(1, 99, text))
        }
        #expect(again.count < 40)
    }

    @Test func rowsThatChangeAKeyAreLoggedWhole() throws {
        let (datastore, replica, table) = try pair()
        let text = String(repeating: "x", count: 1_000)
        _ = try log(datastore, replica) {
            try datastore.insert(table, row(1, 0, text, "a"))
            try datastore.insert(table, row(2, 0, text, "b"))
        }
        let exchanged = try log(datastore, replica) {
            try datastore.update(datastore.index(table), row(1, 1, text, "c"))
            try datastore.update(datastore.index(table), row(2, 1, text, "a"))
            try datastore.update(datastore.index(table), row(1, 1, text, "b"))
        }
        #expect(exchanged.count > 2_000)
    }

    @Test func smallRowsAndRowsThatChangeAltogetherAreLoggedWhole() throws {
        let (datastore, replica, table) = try pair()
        _ = try log(datastore, replica) {
            try datastore.insert(table, row(1, 0, "short"))
            try datastore.insert(table, row(2, 0, String(repeating: "x", count: 1_000)))
        }
        let logged = try log(datastore, replica) {
            try datastore.update(datastore.index(table), row(1, 1, "short"))
            try datastore.update(datastore.index(table), row(2, 1, String(repeating: "y", count: 1_000)))
        }
        #expect(logged[5] == LoggedChange.replace.rawValue && logged.count > 1_000)
        #expect(!logged.contains(LoggedChange.edit.rawValue))
    }

    /// A row that moved was a delete and an insert in the logs of earlier versions: running its call again shows no difference.
    @Test func howALogSaysItMakesNoDifference() throws {
        let (datastore, replica, table) = try pair()
        let text = String(repeating: "word ", count: 300)
        _ = try log(datastore, replica) { try datastore.insert(table, row(1, 0, text)) }
        let log = LogBuffer()
        datastore.begin()
        try datastore.update(datastore.index(table), row(1, 1, text + text))
        try datastore.update(datastore.index(table), row(1, 1, text + "more"))
        log.encode(datastore)
        datastore.rollback()
        let edited = try log.withBytes { try datastore.describe($0) }
        var writer = BSATNWriter()
        for byte in [1, 0, 0, 0, 0, 2, 4, 0, 0, 0, 1, 0, 0, 0, 3] as [UInt8] { writer.write(byte) }
        writer.write(image(row(1, 1, text + "more")))
        let split = try writer.toArray().withUnsafeBytes { try datastore.describe($0) }
        #expect(log.bytes[5] == LoggedChange.edit.rawValue)
        #expect(edited == split && edited.map(\.kind) == [.replace])
    }

    /// Below the checksum of the log: a flipped bit is refused, or makes another row that is whole.
    @Test func everyBitOfAnEditIsCheckedOrHarmless() throws {
        let (datastore, replica, table) = try pair()
        let text = String(repeating: "word ", count: 60)
        let inserted = try log(datastore, replica) { try datastore.insert(table, row(1, 0, text)) }
        let bytes = try log(datastore, replica) {
            try datastore.update(datastore.index(table), row(1, 300, text + "more"))
        }
        #expect(bytes[5] == LoggedChange.edit.rawValue)
        var refused = 0
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let copy = Datastore()
            _ = try make(copy)
            try inserted.withUnsafeBytes { try copy.replay($0) }
            switch outcome({ try flipped.withUnsafeBytes { try copy.replay($0) } }) {
            case .success:
                try copy.checkInvariants()
                #expect(copy.count(table) == 1)
            case .failure(.malformedChanges), .failure(.malformedRow), .failure(.malformedKey), .failure(.noSuchTable):
                refused += 1
            case .failure(let error): Issue.record("bit \(bit): \(error)")
            }
        }
        #expect(refused > bytes.count * 4)
        for end in 0..<bytes.count where end != 5 && end != 0 {
            let copy = Datastore()
            _ = try make(copy)
            try inserted.withUnsafeBytes { try copy.replay($0) }
            #expect(throws: EngineError.self) { try bytes[..<end].withUnsafeBytes { try copy.replay($0) } }
        }
    }

    @Test func editsThatDoNotFitAreRefused() throws {
        let (datastore, replica, table) = try pair()
        let text = String(repeating: "word ", count: 60)
        _ = try log(datastore, replica) { try datastore.insert(table, row(1, 0, text)) }
        let other = Datastore()
        _ = try make(other)
        let bytes = try log(datastore, replica) { try datastore.update(datastore.index(table), row(1, 1, text)) }
        let missing = #expect(throws: EngineError.self) { try bytes.withUnsafeBytes { try other.replay($0) } }
        #expect(missing == .malformedChanges("a changed row is not in table 'page'"))
        try other.transact { try other.insert(table, row(1, 0, text + "longer")) }
        #expect(throws: EngineError.malformedChanges("an edited row has 331 bytes where 325 were edited")) {
            try bytes.withUnsafeBytes { try other.replay($0) }
        }
        // One that changes the key by which it names the row.
        var writer = BSATNWriter()
        for byte in [1, 0, 0, 0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0] as [UInt8] { writer.write(byte) }
        for byte in [0xC5, 2, 0, 1, 1, 9] as [UInt8] { writer.write(byte) }
        let renamed = writer.toArray()
        let copy = Datastore()
        _ = try make(copy)
        try copy.transact { try copy.insert(table, row(1, 0, text)) }
        let error = #expect(throws: EngineError.self) { try renamed.withUnsafeBytes { try copy.replay($0) } }
        #expect(error == .malformedChanges("an edit changes a unique key of table 'page'"))
    }
}

extension [UInt8] {
    fileprivate func with(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var copy = self
        change(&copy)
        return copy
    }
}
