import SpacetimeSATS

// Memory safety. Valid images: rows, and values that were validated. The frame has as many addresses as the compiler
// counted, registers have room for any number.

/// The instructions of a plan, and what they refer to. Nothing in it changes.
///
/// `@safe`: see above.
@safe
struct PlanProgram: ~Copyable {
    let types: TypeProgram
    let instructions: Buffer<PlanInstruction>
    let hops: Buffer<FieldHop>
    let constants: Constants

    /// Where a value is; nil if it is missing.
    @inline(__always)
    func find(_ operand: PlanOperand, in frame: borrowing PlanFrame) -> UnsafeRawPointer? {
        guard let base = unsafe frame.addresses[Int(operand.source)] else { return nil }
        return unsafe hops.find(operand.field, in: base, types)
    }

    /// Computes a value; nil if it is missing. It stays where it is until it is computed again, or the row changes.
    @inline(__always)
    func value(_ value: PlanValue, in frame: borrowing PlanFrame) throws(EngineError) -> UnsafeRawPointer? {
        if value.start != value.end { try run(from: value.start, to: value.end, in: frame) }
        return unsafe find(value.operand, in: frame)
    }

    @inline(__always)
    func holds(_ condition: PlanCondition, in frame: borrowing PlanFrame) throws(EngineError) -> Bool {
        if condition.isAlways { return true }
        return try run(from: condition.start, to: .max, in: frame) == PlanInstruction.accept
    }

    /// Runs instructions, and returns where it came to.
    @discardableResult
    private func run(
        from start: Int32, to end: Int32, in frame: borrowing PlanFrame
    ) throws(EngineError) -> Int32 {
        var place = start
        // Jumps lead forwards only, so this ends.
        while place >= 0, place != end {
            let instruction = instructions.reference(to: Int(place))
            switch instruction.value.kind {
            case .arithmetic:
                try compute(instruction, in: frame)
                place &+= 1
            case .setTrue, .setFalse:
                let register = unsafe frame.register(Int(instruction.value.number))
                unsafe register.storeBytes(of: instruction.value.kind == .setTrue ? 1 : 0, as: UInt8.self)
                unsafe frame.addresses[Int(instruction.value.number)] = UnsafeRawPointer(register)
                place = instruction.value.onTrue
            case .jump: place = instruction.value.onTrue
            default: place = holds(instruction, in: frame) ? instruction.value.onTrue : instruction.value.onFalse
            }
        }
        return place
    }

    @inline(__always)
    private func holds(_ instruction: Ref<PlanInstruction>, in frame: borrowing PlanFrame) -> Bool {
        guard let left = unsafe find(instruction.value.left, in: frame) else { return false }
        switch instruction.value.kind {
        case .test: return unsafe instruction.value.test.holds(at: left, types)
        case .compareIntegers:
            guard let right = unsafe find(instruction.value.right, in: frame) else { return false }
            let integer = instruction.value.test.integer
            return unsafe ValueTest.holds(integer.load(left), instruction.value.test.comparison, integer.load(right))
        case .compare:
            guard let right = unsafe find(instruction.value.right, in: frame) else { return false }
            let order = unsafe types.compare(instruction.value.test.node, left, right)
            return ValueTest.holds(order, instruction.value.test.comparison, 0)
        case .isTrue: return unsafe left.load(as: UInt8.self) != 0
        case .isPresent: return true
        case .rowMatches:
            let row = unsafe UnsafeRawBufferPointer(start: left, count: 0)
            return unsafe frame.predicates[Int(instruction.value.number)].matches(row)
        case .arithmetic, .setTrue, .setFalse, .jump: return false
        }
    }

    private func compute(
        _ instruction: Ref<PlanInstruction>, in frame: borrowing PlanFrame
    ) throws(EngineError) {
        let number = Int(instruction.value.number)
        guard let left = unsafe find(instruction.value.left, in: frame),
            let right = unsafe find(instruction.value.right, in: frame)
        else {
            unsafe frame.addresses[number] = nil
            return
        }
        let register = unsafe frame.register(number)
        try unsafe instruction.value.arithmetic.run(left, right, into: register)
        unsafe frame.addresses[number] = UnsafeRawPointer(register)
    }
}

/// What the programs of one run of a plan work on: the addresses of the rows at hand, of parameters, of constants and of what
/// was computed.
///
/// | Position | What is there |
/// | --- | --- |
/// | 0 ..< slots | the row of a slot; nil if an outer join found none |
/// | then, for each parameter | its value |
/// | then | the constants |
/// | then, for each key and each aggregate of the grouping | its value for the group at hand |
/// | then, for each register | its value |
///
/// `@safe`: both blocks are allocated with as many places as the plan counts.
@safe
struct PlanFrame: ~Copyable {
    let addresses: UnsafeMutablePointer<UnsafeRawPointer?>
    private let registers: UnsafeMutableRawPointer
    private let firstRegister: Int
    /// The conditions on rows that the instructions name, with the values of the parameters.
    let predicates: [PredicateInstance]

    init(_ layout: PlanFrameLayout, predicates: [PredicateInstance]) {
        unsafe addresses = .allocate(capacity: layout.count)
        unsafe addresses.initialize(repeating: nil, count: layout.count)
        let registerCount = max(layout.registerCount, 1)
        unsafe registers = .allocate(byteCount: registerCount * PlanArithmetic.byteLimit, alignment: 16)
        firstRegister = layout.firstRegister
        self.predicates = predicates
    }

    deinit {
        unsafe addresses.deallocate()
        unsafe registers.deallocate()
    }

    /// The memory of a register, by its position in the frame.
    func register(_ position: Int) -> UnsafeMutableRawPointer {
        unsafe registers + (position &- firstRegister) &* PlanArithmetic.byteLimit
    }
}

/// How many places of each kind a frame has.
struct PlanFrameLayout {
    var slotCount = 0
    var parameterCount = 0
    var keyCount = 0
    var aggregateCount = 0
    var registerCount = 0

    var firstParameter: Int { slotCount }
    var constants: Int { slotCount + parameterCount }
    var firstKey: Int { constants + 1 }
    var firstAggregate: Int { firstKey + keyCount }
    var firstRegister: Int { firstAggregate + aggregateCount }
    var count: Int { firstRegister + registerCount }
}
