import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct RowStorageTests {
    @Test(arguments: [0, 1, 3, 4, 5, 7, 8, 13, 16, 33, 1_000, 16_384, 16_385, 70_000, nil] as [Int?])
    func behavesLikeADictionary(_ size: Int?) throws {
        var random = seededRandom("row storage \(size.map(String.init) ?? "of any size")")
        var storage = RowStorage(geometry: PageGeometry(fixedSize: size))
        var model: [(row: RowID, bytes: [UInt8])] = []
        let limit = (size ?? 0) > 10_000 ? 30 : 600
        for step in 0..<(limit * 4) {
            let isGrowing = step / limit % 2 == 0
            if model.isEmpty || random.oneIn(4) != isGrowing {
                let bytes = random.bytes(size ?? (random.oneIn(30) ? random.below(40_000) : random.below(100)))
                let inserted = bytes.withUnsafeBytes { storage.insert($0) }
                let row = try #require(inserted)
                model.append((row, bytes))
            } else {
                let position = random.below(model.count)
                let (row, bytes) = model[position]
                let (image, isLive) = (Array(storage.image(row)), storage.isLive(row))
                #expect(image == bytes && isLive)
                if random.oneIn(3) {
                    let new = random.bytes(size ?? max(0, bytes.count + random.below(8) - 4))
                    if storage.fitsInPlace(row, byteCount: new.count) {
                        new.withUnsafeBytes { storage.overwrite(row, with: $0) }
                        model[position].bytes = new
                    }
                } else {
                    storage.setLive(row, false)
                    storage.free(row)
                    model.remove(at: position)
                    let isStillLive = storage.isLive(row)
                    #expect(!isStillLive)
                }
            }
            if step % (limit / 3) == 0 { try compare(storage, model) }
        }
        try compare(storage, model)
    }

    private func compare(_ storage: borrowing RowStorage, _ model: [(row: RowID, bytes: [UInt8])]) throws {
        let live = try storage.checkedRows(pending: [])
        #expect(Set(live) == Set(model.map(\.row)) && live.count == model.count)
        for (row, bytes) in model {
            let image = Array(storage.image(row))
            #expect(image == bytes)
        }
    }

    private func insert(_ storage: inout RowStorage, _ byteCount: Int, _ byte: UInt8) throws -> RowID {
        let row = [UInt8](repeating: byte, count: byteCount).withUnsafeBytes { storage.insert($0) }
        return try #require(row)
    }

    @Test func freedSlotsAreUsedAgain() throws {
        for size in [3, 8, 21, nil] {
            var storage = RowStorage(geometry: PageGeometry(fixedSize: size))
            var rows: [RowID] = []
            for i in 0..<5_000 { rows.append(try insert(&storage, size ?? 30, UInt8(i & 0xFF))) }
            let full = storage.byteCount
            for _ in 0..<3 {
                for row in rows {
                    storage.setLive(row, false)
                    storage.free(row)
                }
                let live = storage.liveCount
                #expect(live == 0)
                let old = Set(rows.map { $0.rawValue >> storage.geometry.unitBits })
                rows = []
                for i in 0..<5_000 { rows.append(try insert(&storage, size ?? 30, UInt8(i & 0xFF))) }
                #expect(Set(rows).count == 5_000)
                let new = Set(rows.map { $0.rawValue >> storage.geometry.unitBits })
                #expect(new == old)
            }
            let byteCount = storage.byteCount
            #expect(byteCount == full)
        }
    }

    @Test(arguments: [16_384, 20_000, 65_536, 70_000, 1 << 20])
    func pagesOfBigRowsAreGivenBack(_ size: Int) throws {
        var storage = RowStorage(geometry: PageGeometry(fixedSize: nil))
        let small = try insert(&storage, 10, 1)
        let before = storage.byteCount
        var rows = [RowID]()
        for i in 0..<3 { rows.append(try insert(&storage, size, UInt8(0xF0 + i))) }
        for (i, row) in rows.enumerated() {
            let image = Array(storage.image(row))
            #expect(image == [UInt8](repeating: UInt8(0xF0 + i), count: size))
        }
        let live = try storage.checkedRows(pending: [])
        #expect(live.count == 4)
        let pageCount = storage.pageCount
        for row in rows {
            storage.setLive(row, false)
            storage.free(row)
        }
        let after = storage.byteCount
        #expect(after == before)
        // Their numbers are used again.
        for i in 0..<3 { _ = try insert(&storage, size, UInt8(i)) }
        let reused = storage.pageCount
        #expect(reused == pageCount)
        let image = Array(storage.image(small))
        #expect(image == [UInt8](repeating: 1, count: 10))
    }

    @Test func anEmptiedStorageKeepsOnePageForRowsOfAnySize() throws {
        let pool = PagePool()
        var storage = RowStorage(geometry: PageGeometry(fixedSize: nil), pool: pool)
        for size in [10, 100, 700, 3_000, 16_000, 20_000, 100, 10] {
            var rows: [RowID] = []
            for i in 0..<(4_000_000 / (size + 20)) { rows.append(try insert(&storage, size, UInt8(i & 0xFF))) }
            _ = try storage.checkedRows(pending: [])
            for row in rows {
                storage.setLive(row, false)
                storage.free(row)
            }
            _ = try storage.checkedRows(pending: [])
            let (bytes, free, numbers) = (storage.byteCount, storage.freeByteCount, storage.pageCount)
            #expect(bytes == PageGeometry.pageByteCount && free > bytes * 7 / 10 && numbers <= 64)
        }
        #expect(pool.usage.used == PageGeometry.pageByteCount)
    }

    @Test func aRowThatComesAndGoesTakesTheSamePageAgainAndAgain() throws {
        let pool = PagePool()
        for size in [8, nil] {
            var storage = RowStorage(geometry: PageGeometry(fixedSize: size), pool: pool)
            var pages: Set<UnsafeMutableRawPointer> = []
            for i in 0..<200 {
                let row = try insert(&storage, size ?? [20, 500][i & 1], UInt8(i))
                pages.insert(storage.entries[0].base)
                storage.setLive(row, false)
                storage.free(row)
            }
            #expect(pages.count == 1)
        }
    }

    /// The last of many long rows is still there when nearly all page numbers are free.
    @Test func manyLongRowsGoOneByOne() throws {
        var storage = RowStorage(geometry: PageGeometry(fixedSize: nil))
        var rows: [RowID] = []
        for i in 0..<200 { rows.append(try insert(&storage, 20_000, UInt8(i))) }
        while let row = rows.popLast() {
            storage.setLive(row, false)
            storage.free(row)
            #expect(try storage.checkedRows(pending: []).count == rows.count)
        }
        #expect(storage.pageCount == 0)
    }

    @Test func aSnapshotKeepsThePagesThatItsTableGaveBack() throws {
        let pool = PagePool()
        var storage = RowStorage(geometry: PageGeometry(fixedSize: 1_000), pool: pool)
        var rows: [RowID] = []
        for i in 0..<200 { rows.append(try insert(&storage, 1_000, UInt8(i))) }
        var table: DatastoreSnapshot.Table? = share(&storage, pool)
        func rowBytes() -> [[UInt8]] {
            var bytes: [[UInt8]] = []
            table?.forEachRow { bytes.append(Array($1)) }
            return bytes
        }
        let before = rowBytes()
        #expect(before.count == 200)
        for row in rows {
            storage.setLive(row, false)
            storage.free(row)
        }
        _ = try storage.checkedRows(pending: [])
        for i in 0..<100 { _ = try insert(&storage, 1_000, UInt8(255 - i)) }
        #expect(rowBytes() == before)
        table = nil
        storage.keepSaving(for: [])
        let own = storage.byteCount
        #expect(pool.usage.used == own)
    }

    /// A snapshot of that one table.
    private func share(_ storage: inout RowStorage, _ pool: PagePool) -> DatastoreSnapshot.Table {
        let memory = SnapshotMemory(generation: 1, pool: pool)
        let (pages, saved) = storage.share(memory, [])
        return DatastoreSnapshot.Table(
            schema: TableSchema(name: "t", columns: []), isEphemeral: false, geometry: storage.geometry, pages: pages,
            saved: saved, count: storage.liveCount, sequences: [],
            hold: SnapshotHold(generation: 1, memories: [memory], registry: SnapshotRegistry()))
    }

    @Test func whatIsSavedOfAPageAreItsRowsOnly() throws {
        for size in [3, 8, 40, nil] {
            let geometry = PageGeometry(fixedSize: size)
            var storage = RowStorage(geometry: geometry)
            var buffer = SavingBuffer()
            var rows: [RowID] = []
            for i in 0..<900 { rows.append(try insert(&storage, size ?? 20 + i % 11, i % 3 == 0 ? 0x77 : 0xEE)) }
            for (i, row) in rows.enumerated() where i % 3 != 0 || i > 500 {
                storage.setLive(row, false)
                storage.free(row)
            }
            var copy = RowStorage(geometry: geometry)
            let table = share(&storage, storage.pool)
            try table.forEachPage { _, page in
                let count = geometry.save(page, into: &buffer)
                #expect(!buffer.bytes(count).contains(0xEE))
                if let page = try geometry.load(buffer.bytes(count), pool: PagePool()) { try copy.add(page) }
            }
            let (expected, found) = (storage.liveCount, try copy.checkedRows(pending: []).count)
            #expect(expected == 167 && found == 167)
        }
    }
}
