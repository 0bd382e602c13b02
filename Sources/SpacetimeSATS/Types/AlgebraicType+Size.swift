extension AlgebraicType {
    /// The number of bytes of every value's BSATN, or nil if values differ in size or the type holds a reference.
    ///
    /// A sum has a fixed size if all of its variants have the same one. Costs time in proportion to the type.
    public var bsatnSize: Int? {
        switch self {
        case .bool, .i8, .u8: 1
        case .i16, .u16: 2
        case .i32, .u32, .f32: 4
        case .i64, .u64, .f64: 8
        case .i128, .u128: 16
        case .i256, .u256: 32
        case .string, .array, .ref: nil
        case .product(let product): product.bsatnSize
        case .sum(let sum): sum.bsatnSize
        }
    }

    /// Whether a value may take no bytes at all, in which case an array's count says nothing about its bytes.
    ///
    /// `fuel` bounds the work: references let a small typespace describe a huge type. Out of fuel, the answer is yes,
    /// which is the careful one.
    func mayBeEmpty(in typespace: Typespace, fuel: inout Int) -> Bool {
        fuel -= 1
        guard fuel > 0 else { return true }
        switch self {
        case .product(let product):
            for element in product.elements where !element.algebraicType.mayBeEmpty(in: typespace, fuel: &fuel) {
                return false
            }
            return true
        case .ref(let ref): return typespace[ref]?.mayBeEmpty(in: typespace, fuel: &fuel) ?? true
        default: return false
        }
    }
}

extension ProductType {
    /// The number of bytes of every value's BSATN, or nil if values differ in size.
    public var bsatnSize: Int? {
        var total = 0
        for element in elements {
            guard let size = element.algebraicType.bsatnSize else { return nil }
            total += size
        }
        return total
    }
}

extension SumType {
    /// The number of bytes of every value's BSATN, tag included, or nil if values differ in size. A sum without variants
    /// has no values and no size.
    public var bsatnSize: Int? {
        guard let first = variants.first?.algebraicType.bsatnSize else { return nil }
        for variant in variants.dropFirst() where variant.algebraicType.bsatnSize != first { return nil }
        return first + 1
    }
}
