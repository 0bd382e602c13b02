// Memory safety. Positions are those of the compiler that made the program.

/// Where a program finds a value: at an address of the frame, and from there on its way. Plain data.
struct PlanOperand: BitwiseCopyable {
    /// The position in the frame.
    var source: Int32
    var field: FieldLocator
}

/// One step of a program that tests and computes values of a query. Plain data, so that running it counts no references.
struct PlanInstruction {
    enum Kind: UInt8 {
        /// `left` against constants.
        case test
        /// `left` against `right`, of the same type.
        case compare, compareIntegers
        case isTrue
        case isPresent
        /// The row at `left` meets a condition on rows.
        case rowMatches
        /// Puts the result of `left` and `right` into a register, and goes on with the next instruction.
        case arithmetic
        /// Puts true or false into a register.
        case setTrue, setFalse
        /// Goes on as for true.
        case jump
    }

    /// Conditions end at these instead of at an instruction.
    static let accept: Int32 = -1
    static let reject: Int32 = -2

    var kind: Kind
    var test = ValueTest(.present)
    var left = PlanOperand(source: 0, field: FieldLocator())
    var right = PlanOperand(source: 0, field: FieldLocator())
    var arithmetic = PlanArithmetic(.add, .unsigned, byteCount: 1)
    /// Which condition on rows, or the position of the register in the frame.
    var number: Int32 = 0
    var onTrue: Int32 = accept
    var onFalse: Int32 = reject
}

/// A value that a program computes: instructions to be run, and where it is afterwards.
struct PlanValue: BitwiseCopyable {
    var start: Int32
    var end: Int32
    var operand: PlanOperand
    var isNullable: Bool
    /// True if values are options, in which what is missing is nil.
    var isOption: Bool

    var node: Int32 { operand.field.node }
}

/// Instructions of a condition.
struct PlanCondition {
    var start: Int32

    /// Holds always.
    static let always = PlanCondition(start: PlanInstruction.accept)

    var isAlways: Bool { start == PlanInstruction.accept }
}
