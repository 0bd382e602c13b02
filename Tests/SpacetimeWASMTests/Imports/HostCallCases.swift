import SpacetimeSATS
import Testing

/// One call of one function of the host, and what has to come of it.
struct HostCallCase: Sendable, CustomTestStringConvertible {
    enum Expected: Equatable, Sendable {
        /// 0, or -1 of functions that say so that nothing is left, or nothing.
        case success
        case error(Int32)
        /// The guest is stopped.
        case trap
    }

    let name: String
    let expected: Expected
    let place: ProbeDatabase.Place
    let why: String
    /// Writes the program whose last call is the one in question.
    let build: @Sendable (inout ProbeProgram) -> Void
    let check: @Sendable (ProbeOutcome) throws -> Void

    init(
        _ name: String, _ expected: Expected, _ why: String, in place: ProbeDatabase.Place = .reducer,
        _ build: @escaping @Sendable (inout ProbeProgram) -> Void,
        check: @escaping @Sendable (ProbeOutcome) throws -> Void = { _ in }
    ) {
        self.name = name
        self.expected = expected
        self.place = place
        self.why = why
        self.build = build
        self.check = check
    }

    var testDescription: String { "\(name) in a \(place.rawValue): \(why)" }

    var program: ProbeProgram {
        var program = ProbeProgram()
        build(&program)
        return program
    }
}

extension HostCallCase {
    /// Every function of the host with every outcome that it can have.
    static let all: [HostCallCase] = lookups + scans + changes + deletions + bytes + console + procedures + contexts

    /// What modules are told by which number, function by function. Those that the original lists and never returns are
    /// here as far as this host returns them, where the original stops the guest: 4, 3 and 10 in place of traps.
    static let documentedErrors: [String: Set<Int32>] = [
        "table_id_from_name": [2, 4], "index_id_from_name": [2, 5], "datastore_table_row_count": [2, 4],
        "datastore_table_scan_bsatn": [2, 4], "datastore_index_scan_range_bsatn": [2, 3, 5, 10],
        "datastore_btree_scan_bsatn": [2, 3, 5, 10], "row_iter_bsatn_advance": [6, 11], "row_iter_bsatn_close": [6],
        "datastore_insert_bsatn": [2, 3, 4, 12, 13, 19], "datastore_update_bsatn": [2, 3, 5, 12, 13, 14, 15, 19],
        "datastore_delete_by_index_scan_range_bsatn": [2, 3, 5, 10, 19],
        "datastore_delete_by_btree_scan_bsatn": [2, 3, 5, 10, 19], "datastore_delete_all_by_eq_bsatn": [2, 3, 4, 19],
        "bytes_source_read": [8], "bytes_sink_write": [8], "console_log": [], "console_timer_start": [],
        "console_timer_end": [7], "identity": [], "volatile_nonatomic_schedule_immediate": [],
        "bytes_source_remaining_length": [8], "get_jwt": [2], "procedure_sleep_until": [],
        "procedure_start_mut_tx": [17], "procedure_commit_mut_tx": [18], "procedure_abort_mut_tx": [18],
        "procedure_http_request": [3, 17, 21], "datastore_index_scan_point_bsatn": [2, 3, 5],
        "datastore_delete_by_index_scan_point_bsatn": [2, 3, 5, 19], "datastore_clear": [2, 4, 19],
    ]

    static let unknown = ProbeProgram.Argument.number(0x7fff_fff0)
}
