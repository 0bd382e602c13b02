// Memory safety. A record is as long as the shape of its groups says, and lies in their pool until the group is given back;
// columns have their offsets from the same shape.

/// What is known of one group.
///
/// | Offset | Field |
/// | --- | --- |
/// | 0 | handle of the key's image (UInt32), if it is not in the record |
/// | 4 | mark of the owner (UInt32) |
/// | 8 | rows (UInt64) |
/// | 16 | the key, if keys have one short length; then the columns, see ``AggregateColumn`` |
///
/// `@safe`: as said above.
@safe
struct AggregateRecord: BitwiseCopyable {
    let base: UnsafeMutableRawPointer

    static let keyOffset = 16
    /// Longer keys are apart.
    static let inlineKeyLimit = 64

    var keyHandle: UInt32 {
        get { unsafe base.load(as: UInt32.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, as: UInt32.self) }
    }
    var mark: UInt32 {
        get { unsafe base.load(fromByteOffset: 4, as: UInt32.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 4, as: UInt32.self) }
    }
    var rows: UInt64 {
        get { unsafe base.load(fromByteOffset: 8, as: UInt64.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 8, as: UInt64.self) }
    }

    /// The values that take part.
    func count(_ column: AggregateColumn) -> Ref<UInt64> { reference(column.countOffset) }
    func integerSum(_ column: AggregateColumn) -> Ref<IntegerSum> { reference(column.sumOffset) }
    func wideSum(_ column: AggregateColumn) -> Ref<WideIntegerSum> { reference(column.sumOffset) }
    func floatSum(_ column: AggregateColumn) -> Ref<FloatSum> { reference(column.sumOffset) }
    func least(_ column: AggregateColumn) -> Ref<UInt64> { reference(column.extremesOffset) }
    func greatest(_ column: AggregateColumn) -> Ref<UInt64> { reference(column.extremesOffset &+ 8) }

    @inline(__always)
    private func reference<Value: BitwiseCopyable>(_ offset: Int32) -> Ref<Value> {
        unsafe Ref(to: (base + Int(offset)).assumingMemoryBound(to: Value.self))
    }

    /// No rows, no values, and sums of nothing.
    func clear(_ columns: borrowing Buffer<AggregateColumn>, byteCount: Int) {
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        for position in 0..<columns.count {
            let column = columns[position]
            switch column.sumKind {
            case .none: break
            case .unsigned, .signed: integerSum(column).value = IntegerSum()
            case .wideUnsigned, .wideSigned: wideSum(column).value = WideIntegerSum()
            case .float, .double: floatSum(column).value = FloatSum()
            }
        }
    }
}
