import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Checked bytes: values of parameters are validated before they are used. Valid images, still pages:
// nothing is written while a plan runs over a datastore, so rows stay where they are to its end; of a snapshot, rows that are
// kept are copied. Lent buffers: a sink gets a row for the call.

/// Runs a compiled plan, again and again, with new values of its parameters.
///
/// Keeps what a run needs, so that later runs allocate nothing: of point and range plans nothing at all. Belongs to one thread
/// at a time; many may run one ``CompiledPlan``, each by a runner of its own.
///
/// ```text
/// let plan = try CompiledPlan(plan, for: datastore)
/// let runner = PlanRunner(plan)
/// try runner.bind([key])
/// try runner.run(over: datastore) { row, times in … }
/// ```
///
/// `@safe`: `rows` and `isBound` have as many places as the plan has slots and parameters.
@safe
package final class PlanRunner {
    /// Gets a row of the result, and how often it is there. The row is valid during the call, in which nothing may be written
    /// to the tables.
    package typealias Sink = (_ row: UnsafeRawBufferPointer, _ times: Int) -> Void

    /// What a run is over.
    enum Ground {
        case datastore(Datastore)
        case snapshot(DatastoreSnapshot)
        /// Nothing but the rows that are handed in.
        case rows
    }

    package let plan: CompiledPlan
    let frame: PlanFrame
    let states: Buffer<StepState>
    private let filters: [PredicateInstance]
    /// The values of the parameters.
    private let values: Buffer<KeyBuffer>
    private let isBound: UnsafeMutablePointer<Bool>

    // Of the run that goes on.
    /// The row of each slot, with its length.
    let rows: UnsafeMutablePointer<UnsafeRawBufferPointer>
    /// Behind a pointer, so that accesses need no run-time exclusivity checks.
    private let progress = Ref(Progress())

    /// What changes while a plan runs.
    private struct Progress: ~Copyable {
        var cost = QueryCost()
        var budget = QueryBudget()
        /// Rows to be examined until budget and caller are asked again.
        var nextCheck = 0
        var isOver = false
        /// So many parameters have values.
        var boundCount = 0
        /// Conditions on rows still compare with old values.
        var hasNewValues = false
        /// The tables were found to be as the plan expects them, in this state of a datastore.
        var checkedVersion: UInt64 = 0
        /// Rows stay where they are to the end of the run.
        var hasStillRows = true
    }

    /// What the run did: complete when it ends, also if it ends by an error.
    package internal(set) var cost: QueryCost {
        @inline(__always) _read { yield progress.value.cost }
        @inline(__always) _modify { yield &progress.value.cost }
    }
    var budget: QueryBudget {
        @inline(__always) _read { yield progress.value.budget }
        @inline(__always) _modify { yield &progress.value.budget }
    }
    private var nextCheck: Int {
        @inline(__always) _read { yield progress.value.nextCheck }
        @inline(__always) _modify { yield &progress.value.nextCheck }
    }
    var isOver: Bool {
        @inline(__always) _read { yield progress.value.isOver }
        @inline(__always) _modify { yield &progress.value.isOver }
    }
    private(set) var hasStillRows: Bool {
        @inline(__always) get { progress.value.hasStillRows }
        set { progress.value.hasStillRows = newValue }
    }
    private var driving: PlanChanges?
    let result: PlanResult

    package init(_ plan: CompiledPlan) {
        self.plan = plan
        let parameterCount = plan.parameters.count
        frame = PlanFrame(plan.frame, predicates: plan.predicates.map { $0.instance() })
        var filters: [PredicateInstance] = []
        var states = Buffer<StepState>(capacity: plan.steps.count)
        for position in 0..<plan.steps.count {
            let filter = plan.steps[position].filter?.instance()
            if let filter { filters.append(filter) }
            states.append(StepState(filter: filter))
        }
        self.states = states
        self.filters = filters
        var values = Buffer<KeyBuffer>(capacity: parameterCount)
        for _ in 0..<parameterCount { values.append(KeyBuffer()) }
        self.values = values
        unsafe isBound = .allocate(capacity: max(parameterCount, 1))
        unsafe isBound.initialize(repeating: false, count: max(parameterCount, 1))
        unsafe rows = .allocate(capacity: max(plan.frame.slotCount, 1))
        unsafe rows.initialize(
            repeating: UnsafeRawBufferPointer(start: nil, count: 0), count: max(plan.frame.slotCount, 1))
        result = PlanResult(plan)
        unsafe frame.addresses[plan.frame.constants] = UnsafeRawPointer(plan.program.constants.base)
    }

    deinit {
        unsafe isBound.deallocate()
        unsafe rows.deallocate()
        progress.destroy()
    }

    // MARK: Parameters

    /// Gives a parameter a value in BSATN, which is copied. It stays until another one is given.
    ///
    /// - Throws: `invalidParameter` if the bytes are no value of the parameter's type; then it keeps the one it has.
    package func setParameter(_ number: Int, _ value: UnsafeRawBufferPointer) throws(EngineError) {
        guard number >= 0, number < plan.parameters.count else { throw noSuchParameter(number) }
        let buffer = values.reference(to: number)
        progress.value.hasNewValues = true
        if plan.parameters[number].uncheckedSize == value.count {
            if value.count == 8, buffer.value.count == 8, let start = value.baseAddress {
                // The same place as before, to which expressions find already.
                unsafe UnsafeMutableRawPointer(buffer.value.base).storeBytes(
                    of: start.loadUnaligned(as: UInt64.self), as: UInt64.self)
                return
            }
        } else {
            try unsafe validate(value, number)
        }
        buffer.value.removeAll()
        unsafe buffer.value.append(value)
        unsafe frame.addresses[plan.frame.firstParameter &+ number] = UnsafeRawPointer(buffer.value.base)
        if unsafe !isBound[number] {
            unsafe isBound[number] = true
            progress.value.boundCount += 1
        }
    }

    /// Gives all parameters values in BSATN.
    package func bind(_ values: [[UInt8]]) throws(EngineError) {
        guard values.count == plan.parameters.count else {
            throw .invalidPlan("\(plan.parameters.count) parameters were given \(values.count) values")
        }
        for (number, value) in values.enumerated() {
            try unsafe value.withBytes { (bytes) throws(EngineError) in try unsafe setParameter(number, bytes) }
        }
    }

    @inline(never)
    private func noSuchParameter(_ number: Int) -> EngineError { .invalidPlan("there is no parameter \(number)") }

    @inline(never)
    private func validate(_ value: UnsafeRawBufferPointer, _ number: Int) throws(EngineError) {
        do throws(BSATNError) {
            var offset = 0
            try unsafe plan.program.types.validate(plan.parameters[number].node, in: value, at: &offset)
            guard offset == value.count else { throw .trailingBytes(at: offset, count: value.count - offset) }
        } catch { throw .invalidParameter(number: number, cause: error) }
    }

    @inline(never)
    private func setPredicates() {
        for predicate in filters { unsafe predicate.set { unsafe values[$0].bytes } }
        for predicate in frame.predicates { unsafe predicate.set { unsafe values[$0].bytes } }
    }

    /// Sorts the keys that parameters have.
    private func setLists() {
        for position in 0..<plan.steps.count {
            let access = plan.steps[position].access
            guard access.listParameter >= 0 else { continue }
            let types = plan.program.types
            let state = states.reference(to: position)
            // The value is a validated array, so its elements are values of their type.
            guard let values = unsafe ValueList(array: Array(self.values[access.listParameter].bytes)),
                let places = try? types.places(of: values, access.listNode)
            else { continue }
            let ranges = types.distinct(values, places, access.listNode)
            var pool = ConstantPool()
            _ = pool.addList(ranges.map { values.bytes[$0] })
            state.value.list = SharedConstants(pool)
            state.value.listCount = ranges.count
        }
    }

    // MARK: Running

    /// Runs over the rows of a datastore, whose lock the caller holds. Works inside of a transaction, too, and then sees what it
    /// has written.
    ///
    /// - Parameters:
    ///   - changes: what steps that go by changes are about: for these the datastore holds the rows after the changes.
    ///   - side: which of them the step takes that goes through changes.
    ///   - driving: rows that this step takes instead, if it shall not take all of them.
    /// - Throws: `budgetExceeded`, `queryStopped`, `arithmeticOverflow`, `divisionByZero`; `noSuchTable`, `noSuchIndex` or
    ///   `invalidPlan` if the tables are not those of the plan any more. The sink may have got rows before.
    package func run(
        over datastore: Datastore, changes: PlanChanges? = nil, taking side: PlanChanges.Side = .inserts,
        driving: PlanChanges? = nil, budget: QueryBudget = QueryBudget(), _ sink: Sink
    ) throws(EngineError) {
        if progress.value.checkedVersion == datastore.state.schemaVersion, let point = plan.point,
            progress.value.boundCount == plan.parameters.count
        {
            return try unsafe run(point, datastore, budget, sink)
        }
        try unsafe runSteps(over: datastore, changes, side, driving, budget, sink)
    }

    /// Apart, so that finding one row does not pay for what it takes to go through several.
    @inline(never)
    private func runSteps(
        over datastore: Datastore, _ changes: PlanChanges?, _ side: PlanChanges.Side, _ driving: PlanChanges?,
        _ budget: QueryBudget, _ sink: Sink
    ) throws(EngineError) {
        if progress.value.checkedVersion != datastore.state.schemaVersion {
            try check(datastore)
            progress.value.checkedVersion = datastore.state.schemaVersion
        }
        if driving != nil { self.driving = driving }
        defer { if driving != nil { self.driving = nil } }
        for position in 0..<plan.steps.count {
            let step = plan.steps.reference(to: position)
            let state = states.reference(to: position)
            state.value.scan.table = try datastore.table(step.value.table)
            if step.value.hasIndex, let entry = datastore.entry(step.value.access.index) {
                state.value.index = entry.index
                state.value.indexPosition = entry.position
            }
        }
        hasStillRows = true
        defer { if plan.steps.count > 0 { closeStates() } }
        try unsafe run(over: .datastore(datastore), changes, side, budget, sink)
    }

    /// Finds the one row that the plan is about.
    ///
    /// It is as short as can be: while the processor waits for the row of one run, it begins with the next.
    @inline(__always)
    private func run(
        _ point: CompiledPlan.Point, _ datastore: Datastore, _ budget: QueryBudget, _ sink: Sink
    ) throws(EngineError) {
        let progress = progress
        progress.value.cost = QueryCost()
        progress.value.cost.seeks = 1
        if let shouldStop = budget.shouldStop, shouldStop() { throw .queryStopped }
        guard let probe = unsafe plan.program.find(point.key, in: frame),
            let image = unsafe datastore.row(point, probe, plan.program)
        else { return }
        progress.value.cost.rowsExamined = 1
        let shown: UnsafeRawBufferPointer
        if plan.rowSlot >= 0 {
            unsafe shown = image
        } else {
            unsafe setRow(point.slot, image)
            unsafe shown = try result.encodedRow(self)
        }
        progress.value.cost.rowsProduced = 1
        progress.value.cost.bytesProduced = shown.count
        if budget.rowsExamined < 1 || budget.rowsProduced < 1 || shown.count > budget.bytesProduced {
            throw foundTooMuch(budget)
        }
        unsafe sink(shown, 1)
    }

    @inline(never)
    private func foundTooMuch(_ budget: QueryBudget) -> EngineError {
        self.budget = budget
        if budget.rowsExamined < 1 { return .budgetExceeded(what: "rows to look at", limit: budget.rowsExamined) }
        return producedTooMuch()
    }

    /// Runs over the rows of a snapshot, on any thread. Without indexes of its own a snapshot looks at all rows of a table, and
    /// sorts them once that has become too much.
    package func run(
        over snapshot: DatastoreSnapshot, changes: PlanChanges? = nil, taking side: PlanChanges.Side = .inserts,
        budget: QueryBudget = QueryBudget(), _ sink: Sink
    ) throws(EngineError) {
        try enterTables(of: snapshot)
        defer { closeStates() }
        try unsafe run(over: .snapshot(snapshot), changes, side, budget, sink)
    }

    /// Runs over a snapshot of which others go through some pages at the same time, see ``PlanPieces``: with the result, the
    /// cost and the errors of ``run(over:changes:taking:budget:_:)``.
    ///
    /// - Parameter next: what somebody else has made of a piece; nil if it is to be done here. Asked for each, in order, when
    ///   those before it are done.
    package func run(
        over pieces: PlanPieces, budget: QueryBudget = QueryBudget(), taking next: (Int) -> PlanPiece?, _ sink: Sink
    ) throws(EngineError) {
        precondition(pieces.plan === plan, "a plan is run with pieces of another")
        try enterTables(of: pieces.snapshot)
        defer { closeStates() }
        try begin(budget)
        try result.begin(self)
        if isOver { return }
        if try plan.program.holds(plan.conditions, in: frame) {
            for number in 0..<pieces.count where !isOver {
                if let piece = next(number), try unsafe result.take(piece, self, sink) { continue }
                states.reference(to: 0).value.piece = pieces.pages[number]
                try unsafe combine(.snapshot(pieces.snapshot), sink)
            }
        }
        try unsafe result.end(self, sink)
    }

    /// Runs over some pages of a snapshot, and keeps what comes of it: rows go to the sink, or groups and rows that are to be
    /// different or in an order stay in ``result``.
    func run(
        onPiece pages: Range<Int>, of snapshot: DatastoreSnapshot, budget: QueryBudget, _ sink: Sink
    ) throws(EngineError) {
        try enterTables(of: snapshot)
        defer { for position in 0..<states.count { states.reference(to: position).value.close() } }
        states.reference(to: 0).value.piece = pages
        try begin(budget)
        try result.begin(self, isPiece: true)
        if isOver { return }
        if try plan.program.holds(plan.conditions, in: frame) { try unsafe combine(.snapshot(snapshot), sink) }
    }

    private func enterTables(of snapshot: DatastoreSnapshot) throws(EngineError) {
        for position in 0..<plan.steps.count {
            let step = plan.steps.reference(to: position)
            guard let table = snapshot.table(step.value.table) else {
                throw .noSuchTable("#\(step.value.table.rawValue)")
            }
            try check(table.schema, step.value)
            states.reference(to: position).value.snapshotTable = table
        }
        hasStillRows = false
    }

    /// Runs a plan of one step, which takes changed rows, over some rows. There need be no table that has such.
    package func run(
        on rows: RowBatch, budget: QueryBudget = QueryBudget(), _ sink: Sink
    ) throws(EngineError) {
        guard plan.steps.count == 1, plan.steps[0].source == .changes else {
            throw .invalidPlan("a plan that looks at tables is run on some rows alone")
        }
        hasStillRows = true
        defer { closeStates() }
        let rows = PlanChanges(plan.steps[0].table, inserts: rows)
        try unsafe run(over: .rows, rows, .inserts, budget, sink)
    }

    /// Ends the run that goes on, when the row at hand has been dealt with: to be called by its sink.
    package func stop() { isOver = true }

    private func run(
        over ground: Ground, _ changes: PlanChanges?, _ side: PlanChanges.Side, _ budget: QueryBudget, _ sink: Sink
    ) throws(EngineError) {
        try begin(budget)
        try result.begin(self)
        if isOver { return }
        if try plan.program.holds(plan.conditions, in: frame) {
            try enterChanges(changes, side)
            for position in 0..<plan.steps.count where plan.steps[position].isHashed {
                try buildHash(position, ground)
            }
            if plan.steps.count == 0 {
                try unsafe result.take(1, self, sink)
            } else {
                try unsafe combine(ground, sink)
            }
        }
        try unsafe result.end(self, sink)
    }

    private func begin(_ budget: QueryBudget) throws(EngineError) {
        guard progress.value.boundCount == plan.parameters.count else { throw .invalidPlan("a parameter has no value") }
        if progress.value.hasNewValues {
            progress.value.hasNewValues = false
            if !filters.isEmpty || !frame.predicates.isEmpty { setPredicates() }
            if plan.hasListParameters { setLists() }
        }
        cost = QueryCost()
        self.budget = budget
        isOver = false
        nextCheck = 0
    }

    private func closeStates() {
        for position in 0..<states.count { states.reference(to: position).value.close() }
        result.close()
    }

    /// Gives steps the changes that they are about.
    private func enterChanges(_ changes: PlanChanges?, _ side: PlanChanges.Side) throws(EngineError) {
        for position in 0..<plan.steps.count {
            let step = plan.steps.reference(to: position)
            if step.value.source == .table { continue }
            guard let changes else { throw .invalidPlan("a plan that goes by changes is run without any") }
            let state = states.reference(to: position)
            if step.value.source == .changes {
                state.value.inserted = (driving ?? changes).images(side, of: step.value.table)
            } else {
                state.value.inserted = changes.images(.inserts, of: step.value.table)
                state.value.deleted = changes.images(.deletes, of: step.value.table)
            }
        }
    }

    // MARK: Checks

    /// Counts rows that are looked at, and asks now and then whether to go on.
    @inline(__always)
    func countExamined(_ count: Int) throws(EngineError) {
        cost.rowsExamined &+= count
        nextCheck &-= count
        if nextCheck < 0 { try checkBudget() }
    }

    /// Counts a look-up, which takes as long as looking at a row.
    @inline(__always)
    func countSeek() throws(EngineError) {
        cost.seeks &+= 1
        nextCheck &-= 1
        if nextCheck < 0 { try checkBudget() }
    }

    /// So many rows may be examined until the caller is asked whether to stop.
    private static let rowsBetweenChecks = 4_096

    @inline(never)
    private func checkBudget() throws(EngineError) {
        if cost.rowsExamined > budget.rowsExamined {
            throw .budgetExceeded(what: "rows to look at", limit: budget.rowsExamined)
        }
        if let shouldStop = budget.shouldStop, shouldStop() { throw .queryStopped }
        if keptByteCount > budget.bytesKept { throw .budgetExceeded(what: "bytes to keep", limit: budget.bytesKept) }
        nextCheck = min(Self.rowsBetweenChecks, budget.rowsExamined - cost.rowsExamined)
    }

    private var keptByteCount: Int {
        var count = result.byteCount
        for position in 0..<states.count { count += states[position].hash.byteCount + states[position].kept.byteCount }
        return count
    }

    @inline(never)
    private func check(_ datastore: Datastore) throws(EngineError) {
        for position in 0..<plan.steps.count {
            let step = plan.steps.reference(to: position)
            let table = try datastore.table(step.value.table)
            try check(table.schema, step.value)
            if let index = step.value.index { try check(step.value.access, index, table, datastore) }
            for (number, index) in step.value.alternativeIndexes.enumerated() {
                let alternative = plan.alternatives[step.value.access.firstAlternative + number]
                try check(alternative, index, table, datastore)
            }
        }
    }

    private func check(
        _ access: CompiledAccess, _ schema: IndexSchema, _ table: TableRef, _ datastore: Datastore
    ) throws(EngineError) {
        let (owner, index) = try datastore.index(access.index)
        guard owner == table, table.indexes[index].schema == schema else { throw .noSuchIndex(schema.name) }
    }

    private func check(_ schema: TableSchema, _ step: borrowing CompiledStep) throws(EngineError) {
        guard schema.columns.map(\.type) == step.schema.columns.map(\.type) else {
            throw .invalidPlan("table '\(schema.name)' is not as it was when the query was planned")
        }
    }
}

extension Datastore {
    /// The row with the key that lies at `probe`; valid until the next write.
    @inline(__always)
    fileprivate func row(
        _ point: CompiledPlan.Point, _ probe: UnsafeRawPointer, _ program: borrowing PlanProgram
    ) -> UnsafeRawBufferPointer? {
        guard Int(point.index.rawValue) < state.indexes.count else { return nil }
        let entry = state.indexes.reference(to: Int(point.index.rawValue))
        guard entry.value.table != nil else { return nil }
        if entry.value.point.keyWidth == 8 {
            return unsafe row(bits: probe.loadUnaligned(as: UInt64.self), entry)
        }
        return unsafe rowInGeneral(point, probe, program, entry)
    }

    @inline(never)
    private func rowInGeneral(
        _ point: CompiledPlan.Point, _ probe: UnsafeRawPointer, _ program: borrowing PlanProgram,
        _ entry: Ref<IndexEntry>
    ) -> UnsafeRawBufferPointer? {
        let (index, rows) = (entry.value.index, entry.value.rows)
        let row: RowID?
        if point.isInteger {
            unsafe row = index.value.find(integerProbe: probe, in: rows)
        } else {
            let byteCount = unsafe program.types.size(point.key.field.node, at: probe)
            unsafe row = index.value.find(probe: probe, byteCount: byteCount, in: rows)
        }
        return unsafe row.map { unsafe rows.storage.image($0) }
    }
}
