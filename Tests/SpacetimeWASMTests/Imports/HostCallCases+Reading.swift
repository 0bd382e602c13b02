import SpacetimeSATS
import Testing

extension HostCallCase {
    // MARK: Names and counts

    static let lookups: [HostCallCase] = [
        HostCallCase("table_id_from_name", .success, "a table") {
            $0.find("table_id_from_name", "item")
        } check: {
            #expect($0.u32(at: 4) > 0)
        },
        HostCallCase("table_id_from_name", .error(4), "no table has the name") {
            $0.find("table_id_from_name", "nobody")
        },
        HostCallCase("table_id_from_name", .error(4), "an empty name") { program in
            let out = program.room()
            program.call("table_id_from_name", .address(out), .none, .address(out))
        },
        HostCallCase("table_id_from_name", .trap, "a name that is not UTF-8") { program in
            let name = program.place([0x69, 0xff, 0x6d])
            program.call("table_id_from_name", .address(name), .number(3), .address(program.room()))
        },
        HostCallCase("index_id_from_name", .success, "an index") { $0.find("index_id_from_name", "item_id_idx_hash") },
        HostCallCase("index_id_from_name", .error(5), "a table's name") { $0.find("index_id_from_name", "item") },
        HostCallCase("index_id_from_name", .trap, "a name that is not UTF-8") { program in
            let name = program.place([0xc3])
            program.call("index_id_from_name", .address(name), .number(1), .address(program.room()))
        },
        HostCallCase("datastore_table_row_count", .success, "three rows") { program in
            let table = program.table("item")
            program.call("datastore_table_row_count", table, .address(program.room(8)))
        } check: {
            #expect($0.u64(at: 8) == 3)
        },
        HostCallCase("datastore_table_row_count", .error(4), "no such table") { program in
            program.call("datastore_table_row_count", unknown, .address(program.room(8)))
        },
    ]

    // MARK: Scans

    static let scans: [HostCallCase] =
        tableScans + iterators + pointScans
        + ["datastore_index_scan_range_bsatn", "datastore_btree_scan_bsatn"].flatMap {
            rangeCases($0, isDeletion: false)
        }

    private static let tableScans: [HostCallCase] = [
        HostCallCase("datastore_table_scan_bsatn", .success, "all rows") { program in
            let table = program.table("item")
            program.call("datastore_table_scan_bsatn", table, .address(program.room()))
        },
        HostCallCase("datastore_table_scan_bsatn", .error(4), "no such table") { program in
            program.call("datastore_table_scan_bsatn", unknown, .address(program.room()))
        },
    ]

    /// Opens a scan of all items.
    private static func openScan(_ program: inout ProbeProgram) -> ProbeProgram.Argument {
        let table = program.table("item")
        let iterator = program.room()
        program.call("datastore_table_scan_bsatn", table, .address(iterator))
        return .loaded(iterator)
    }

    /// Each item is a row of 17 bytes.
    private static func advance(
        _ program: inout ProbeProgram, _ iterator: ProbeProgram.Argument, room: Int
    ) -> (buffer: Int, length: Int) {
        let buffer = program.room(room)
        let length = program.place(UInt32(room).bsatn())
        program.call("row_iter_bsatn_advance", iterator, .address(buffer), .address(length))
        return (buffer, length)
    }

    private static let iterators: [HostCallCase] = [
        HostCallCase("row_iter_bsatn_advance", .success, "all rows at once") { program in
            let iterator = openScan(&program)
            _ = advance(&program, iterator, room: 100)
        } check: { outcome in
            #expect(outcome.last == -1)
            // The rows stand behind a name, its table and the iterator; how long they are behind them.
            #expect(outcome.u32(at: 12 + 100) == 51)
            let names = [28, 45, 62].map { outcome.memory[$0] }
            #expect(Set(names) == Set("abc".utf8))
        },
        HostCallCase("row_iter_bsatn_advance", .success, "rows piece by piece, and nothing behind the end") { program in
            let iterator = openScan(&program)
            for _ in 0..<3 { _ = advance(&program, iterator, room: 20) }
        } check: { outcome in
            #expect(outcome.results.suffix(3).dropLast().allSatisfy { $0 == 0 })
            #expect(outcome.last == -1)
        },
        HostCallCase("row_iter_bsatn_advance", .success, "no rows at all") { program in
            let table = program.table("timer")
            let iterator = program.room()
            program.call("datastore_table_scan_bsatn", table, .address(iterator))
            let length = advance(&program, .loaded(iterator), room: 8).length
            #expect(length == 21)
        } check: {
            #expect($0.last == -1)
            #expect($0.u32(at: 21) == 0)
        },
        HostCallCase("row_iter_bsatn_advance", .error(11), "not even one row fits") { program in
            let iterator = openScan(&program)
            _ = advance(&program, iterator, room: 16)
        } check: {
            #expect($0.u32(at: 12 + 16) == 17)
        },
        HostCallCase("row_iter_bsatn_advance", .success, "a row that did not fit is the next") { program in
            let iterator = openScan(&program)
            _ = advance(&program, iterator, room: 16)
            _ = advance(&program, iterator, room: 100)
        } check: {
            #expect($0.last == -1)
        },
        HostCallCase("row_iter_bsatn_advance", .error(6), "no iterator has the number 0") { program in
            _ = advance(&program, .none, room: 8)
        },
        HostCallCase("row_iter_bsatn_advance", .error(6), "a forged iterator") { program in
            _ = openScan(&program)
            _ = advance(&program, unknown, room: 100)
        },
        HostCallCase("row_iter_bsatn_advance", .error(6), "an iterator that is read to its end") { program in
            let iterator = openScan(&program)
            for _ in 0..<2 { _ = advance(&program, iterator, room: 100) }
        },
        HostCallCase("row_iter_bsatn_close", .success, "an iterator that is not read to its end") { program in
            let iterator = openScan(&program)
            program.call("row_iter_bsatn_close", iterator)
        },
        HostCallCase("row_iter_bsatn_close", .error(6), "an iterator that is closed") { program in
            let iterator = openScan(&program)
            program.call("row_iter_bsatn_close", iterator)
            program.call("row_iter_bsatn_close", iterator)
        },
        HostCallCase("row_iter_bsatn_close", .error(6), "an iterator that is read to its end") { program in
            let iterator = openScan(&program)
            _ = advance(&program, iterator, room: 100)
            program.call("row_iter_bsatn_close", iterator)
        },
    ]

    // MARK: Points

    static func point(
        _ program: inout ProbeProgram, _ call: String, _ index: String, _ key: [UInt8]
    ) {
        let index = program.index(index)
        let place = program.place(key)
        program.call(call, index, .address(place), .count(key), .address(program.room()))
    }

    private static let pointScans: [HostCallCase] = pointCases("datastore_index_scan_point_bsatn")

    static func pointCases(_ call: String) -> [HostCallCase] {
        [
            HostCallCase(call, .success, "a key of a hash index") {
                point(&$0, call, "item_id_idx_hash", UInt64(1).bsatn())
            },
            HostCallCase(call, .success, "a key of several columns") {
                point(&$0, call, "item_owner_name_idx_btree", UInt32(7).bsatn() + "b".bsatn())
            },
            HostCallCase(call, .success, "a key that no row has") {
                point(&$0, call, "item_id_idx_hash", UInt64(77).bsatn())
            },
            HostCallCase(call, .error(3), "a key that is cut off") {
                point(&$0, call, "item_id_idx_hash", [1, 2, 3])
            },
            HostCallCase(call, .error(3), "a part of a key") {
                point(&$0, call, "item_owner_name_idx_btree", UInt32(7).bsatn())
            },
            HostCallCase(call, .error(5), "no such index") { program in
                let key = program.place(UInt64(1).bsatn())
                program.call(call, unknown, .address(key), .number(8), .address(program.room()))
            },
        ]
    }

    // MARK: Ranges

    /// Calls a function that takes a range.
    private static func range(
        _ program: inout ProbeProgram, _ call: String, _ index: String, prefix: [UInt8] = [], columns: UInt64 = 0,
        _ start: [UInt8], _ end: [UInt8]
    ) {
        let index = program.index(index)
        let places = [prefix, start, end].map { program.place($0) }
        program.call(
            call, index, columns == 0 ? .none : .address(places[0]), .count(prefix), .number(columns),
            .address(places[1]), .count(start), .address(places[2]), .count(end), .address(program.room()))
    }

    private static let open: [UInt8] = [2]

    static func rangeCases(_ call: String, isDeletion: Bool) -> [HostCallCase] {
        let byOwner = "item_owner_name_idx_btree"
        return [
            HostCallCase(call, .success, "everything, and a null pointer to no prefix") {
                range(&$0, call, byOwner, open, open)
            } check: { outcome in
                if isDeletion { #expect(outcome.u32(at: outcome.memory.count - 4) == 3) }
            },
            HostCallCase(call, .success, "one value of the first column, and a range of the second") {
                range(&$0, call, byOwner, prefix: UInt32(7).bsatn(), columns: 1, [1] + "a".bsatn(), [0] + "b".bsatn())
            } check: { outcome in
                if isDeletion { #expect(outcome.u32(at: outcome.memory.count - 4) == 1) }
            },
            HostCallCase(call, .success, "an empty range") {
                range(&$0, call, byOwner, [0] + UInt32(9).bsatn(), [1] + UInt32(9).bsatn())
            } check: { outcome in
                if isDeletion { #expect(outcome.u32(at: outcome.memory.count - 4) == 0) }
            },
            HostCallCase(call, .success, "a range that ends before it begins") {
                range(&$0, call, byOwner, [0] + UInt32(9).bsatn(), [0] + UInt32(7).bsatn())
            },
            HostCallCase(call, .error(3), "a bound of no kind") { range(&$0, call, byOwner, [3], open) },
            HostCallCase(call, .error(3), "a bound that is cut off") { range(&$0, call, byOwner, [0, 1], open) },
            HostCallCase(call, .error(3), "no bytes for a bound") { range(&$0, call, byOwner, open, []) },
            HostCallCase(call, .error(3), "a prefix of all columns") {
                range(&$0, call, byOwner, prefix: UInt32(7).bsatn() + "a".bsatn(), columns: 2, open, open)
            },
            HostCallCase(call, .error(3), "a prefix in an index of one column") {
                range(&$0, call, "item_name_idx_btree", prefix: "a".bsatn(), columns: 1, open, open)
            },
            HostCallCase(call, .error(5), "no such index") { program in
                let bound = program.place(open)
                program.call(
                    call, unknown, .none, .none, .none, .address(bound), .number(1), .address(bound), .number(1),
                    .address(program.room()))
            },
            HostCallCase(call, .error(10), "a range of a hash index") {
                range(&$0, call, "item_id_idx_hash", [0] + UInt64(1).bsatn(), [0] + UInt64(1).bsatn())
            },
            HostCallCase(call, .trap, "more columns than can be") {
                range(&$0, call, byOwner, prefix: UInt32(7).bsatn(), columns: 65_536, open, open)
            },
        ]
    }
}
