/// One test of a compiled condition and where to go on after it. Plain data, so that running it counts no references.
struct PredicateInstruction {
    /// Programs end at these instead of at an instruction.
    static let accept: Int32 = -1
    static let reject: Int32 = -2

    var test: ValueTest
    var operand: FieldLocator
    /// What `fields` compares with.
    var other = FieldLocator()
    var onTrue: Int32 = accept
    var onFalse: Int32 = reject
}
