import SpacetimeSATS
import Testing

extension HostCallCase {
    // MARK: Inserting and updating

    /// Due in 2^36 ms from an arbitrary past.
    private static let tooLate: [UInt8] = UInt64(0).bsatn() + [0] + Int64.max.bsatn()

    static let changes: [HostCallCase] = [
        HostCallCase("datastore_insert_bsatn", .success, "a row that gets a number") {
            $0.insert(1, "new")
        } check: {
            // Behind the table's name and number stand the row, and how long what was generated is.
            #expect($0.u64(at: 8) == 4)
            #expect($0.u32(at: 8 + 19) == 8)
        },
        HostCallCase("datastore_insert_bsatn", .success, "a row that has a number") {
            $0.insert(1, "new", id: 50)
        } check: {
            #expect($0.u64(at: 8) == 50)
            #expect($0.u32(at: 8 + 19) == 0)
        },
        HostCallCase("datastore_insert_bsatn", .success, "a row that is there already") { $0.insert(7, "a", id: 1) },
        HostCallCase("datastore_insert_bsatn", .error(12), "a key that another row has") { $0.insert(7, "new", id: 1) },
        HostCallCase("datastore_insert_bsatn", .error(12), "a name that another row has") { $0.insert(7, "a") },
        HostCallCase("datastore_insert_bsatn", .error(13), "a time that is too far away") { program in
            let table = program.table("timer")
            let (row, length) = program.row(tooLate)
            program.call("datastore_insert_bsatn", table, row, length)
        },
        HostCallCase("datastore_insert_bsatn", .error(3), "bytes that are no row") { program in
            let table = program.table("item")
            let (row, length) = program.row([1, 2, 3])
            program.call("datastore_insert_bsatn", table, row, length)
        },
        HostCallCase("datastore_insert_bsatn", .error(4), "no such table") { program in
            let (row, length) = program.row(ProbeProgram.item(0, 1, "new"))
            program.call("datastore_insert_bsatn", unknown, row, length)
        },
        HostCallCase("datastore_update_bsatn", .success, "a row by its key") { program in
            update(&program, ProbeProgram.item(2, 8, "bb"))
        },
        HostCallCase("datastore_update_bsatn", .success, "a row by another unique column, its key drawn anew") {
            program in
            update(&program, ProbeProgram.item(0, 8, "b"), by: "item_name_idx_btree")
        } check: { outcome in
            #expect(outcome.u32(at: outcome.memory.count - 4) == 8)
        },
        HostCallCase("datastore_update_bsatn", .success, "a row by one that is the same") { program in
            update(&program, ProbeProgram.item(2, 7, "b"))
        },
        HostCallCase("datastore_update_bsatn", .error(5), "no such index") { program in
            let table = program.table("item")
            let (row, length) = program.row(ProbeProgram.item(2, 8, "bb"))
            program.call("datastore_update_bsatn", table, unknown, row, length)
        },
        HostCallCase("datastore_update_bsatn", .error(5), "an index of another table") { program in
            update(&program, ProbeProgram.item(2, 8, "bb"), by: "script_name_idx_hash")
        },
        HostCallCase("datastore_update_bsatn", .error(12), "a name that another row has") { program in
            update(&program, ProbeProgram.item(2, 7, "c"))
        },
        HostCallCase("datastore_update_bsatn", .error(13), "a time that is too far away") { program in
            let table = program.table("timer")
            let soon = program.row(UInt64(9).bsatn() + [0] + Int64(1_000_000).bsatn())
            program.call("datastore_insert_bsatn", table, soon.row, soon.length)
            let index = program.index("timer_id_idx_hash")
            let late = program.row(UInt64(9).bsatn() + tooLate.dropFirst(8))
            program.call("datastore_update_bsatn", table, index, late.row, late.length)
        },
        HostCallCase("datastore_update_bsatn", .error(14), "an index that is not unique") { program in
            update(&program, ProbeProgram.item(2, 7, "b"), by: "item_owner_name_idx_btree")
        },
        HostCallCase("datastore_update_bsatn", .error(15), "no row has the key") { program in
            update(&program, ProbeProgram.item(77, 7, "new"))
        },
        HostCallCase("datastore_update_bsatn", .error(3), "bytes that are no row") { program in
            update(&program, [1, 2, 3])
        },
    ]

    private static func update(_ program: inout ProbeProgram, _ row: [UInt8], by index: String = "item_id_idx_hash") {
        let table = program.table("item")
        let index = program.index(index)
        let (row, length) = program.row(row)
        program.call("datastore_update_bsatn", table, index, row, length)
    }

    // MARK: Deleting

    static let deletions: [HostCallCase] =
        pointCases("datastore_delete_by_index_scan_point_bsatn")
        + ["datastore_delete_by_index_scan_range_bsatn", "datastore_delete_by_btree_scan_bsatn"]
        .flatMap { rangeCases($0, isDeletion: true) }
        + [
            HostCallCase("datastore_delete_all_by_eq_bsatn", .success, "two rows, of which one is there") { program in
                deleteEqual(&program, UInt32(2).bsatn() + ProbeProgram.item(1, 7, "a") + ProbeProgram.item(1, 7, "x"))
            } check: { outcome in
                #expect(outcome.u32(at: outcome.memory.count - 4) == 1)
            },
            HostCallCase("datastore_delete_all_by_eq_bsatn", .error(3), "fewer rows than it says") { program in
                deleteEqual(&program, UInt32(2).bsatn() + ProbeProgram.item(1, 7, "a"))
            },
            HostCallCase("datastore_delete_all_by_eq_bsatn", .error(4), "no such table") { program in
                let rows = program.place(UInt32(0).bsatn())
                program.call(
                    "datastore_delete_all_by_eq_bsatn", unknown, .address(rows), .number(4), .address(program.room()))
            },
            HostCallCase("datastore_clear", .success, "all rows") { program in
                let table = program.table("item")
                program.call("datastore_clear", table, .address(program.room(8)))
            } check: {
                #expect($0.u64(at: 8) == 3)
            },
            HostCallCase("datastore_clear", .error(4), "no such table") { program in
                program.call("datastore_clear", unknown, .address(program.room(8)))
            },
        ]

    private static func deleteEqual(_ program: inout ProbeProgram, _ rows: [UInt8]) {
        let table = program.table("item")
        let place = program.place(rows)
        program.call(
            "datastore_delete_all_by_eq_bsatn", table, .address(place), .count(rows), .address(program.room()))
    }
}
