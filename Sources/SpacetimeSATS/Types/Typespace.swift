/// The types that `Ref`s point into.
@frozen public struct Typespace: Hashable, Sendable {
    /// `Ref(i)` stands for `types[i]`.
    public var types: [AlgebraicType]

    /// A typespace of these types.
    @inlinable public init(_ types: [AlgebraicType] = []) { self.types = types }

    /// The type a reference points at, or nil if there is none.
    public subscript(ref: UInt32) -> AlgebraicType? {
        Int(ref) < types.count ? types[Int(ref)] : nil
    }

    /// `type` itself, or what it points at over any number of references; nil if that is nothing.
    public func following(_ type: AlgebraicType) -> AlgebraicType? {
        var type = type
        // A chain longer than the typespace goes in circles.
        for _ in 0...types.count {
            guard case .ref(let ref) = type else { return type }
            guard let target = self[ref] else { return nil }
            type = target
        }
        return nil
    }
}

/// Why a type is not usable as it stands.
public enum TypeError: Error, Hashable, Sendable {
    /// A reference points outside of the typespace.
    case unknownRef(UInt32)
    /// A type contains itself, so its values have no finite layout.
    case recursive(UInt32)
    /// The type is nested more than `limit` levels deep.
    case tooDeep(limit: Int)
    /// The type written out without references has more than `limit` parts.
    case tooLarge(limit: Int)
    /// A sum has `count` variants, more than a tag byte can tell apart.
    case tooManyVariants(count: Int)
}

extension Typespace {
    /// How deeply types may be nested.
    public static var depthLimit: Int { 128 }

    /// How many parts a type may have once its references are replaced. References let a small typespace stand for a type
    /// of exponential size.
    public static var sizeLimit: Int { 65_536 }

    /// `type` with every reference replaced by what it points at.
    ///
    /// Throws for references that lead nowhere or back to themselves, and for types beyond ``depthLimit`` or
    /// ``sizeLimit``. Costs time in proportion to the result.
    public func resolved(_ type: AlgebraicType) throws(TypeError) -> AlgebraicType {
        var resolution = Resolution(types: types)
        return try resolution.resolve(type, depth: 0)
    }

    /// `product` with every reference replaced; see ``resolved(_:)-(AlgebraicType)``.
    public func resolved(_ product: ProductType) throws(TypeError) -> ProductType {
        var resolution = Resolution(types: types)
        return try resolution.resolve(product, depth: 0)
    }

    private struct Resolution {
        let types: [AlgebraicType]
        var open: [UInt32] = []
        var size = 0

        mutating func resolve(_ type: AlgebraicType, depth: Int) throws(TypeError) -> AlgebraicType {
            size += 1
            guard size <= sizeLimit else { throw .tooLarge(limit: sizeLimit) }
            guard depth < depthLimit else { throw .tooDeep(limit: depthLimit) }
            switch type {
            case .ref(let ref): return try follow(ref, depth: depth)
            case .product(let product): return .product(try resolve(product, depth: depth))
            case .sum(let sum): return .sum(try resolve(sum, depth: depth))
            case .array(let element): return .array(try resolve(element, depth: depth + 1))
            default: return type
            }
        }

        mutating func follow(_ ref: UInt32, depth: Int) throws(TypeError) -> AlgebraicType {
            guard Int(ref) < types.count else { throw .unknownRef(ref) }
            guard !open.contains(ref) else { throw .recursive(ref) }
            open.append(ref)
            let target = try resolve(types[Int(ref)], depth: depth + 1)
            open.removeLast()
            return target
        }

        mutating func resolve(_ product: ProductType, depth: Int) throws(TypeError) -> ProductType {
            var elements: [ProductType.Element] = []
            for element in product.elements {
                let type = try resolve(element.algebraicType, depth: depth + 1)
                elements.append(.init(name: element.name, algebraicType: type))
            }
            return ProductType(elements)
        }

        mutating func resolve(_ sum: SumType, depth: Int) throws(TypeError) -> SumType {
            guard sum.variants.count <= SumType.variantLimit else {
                throw .tooManyVariants(count: sum.variants.count)
            }
            var variants: [SumType.Variant] = []
            for variant in sum.variants {
                let type = try resolve(variant.algebraicType, depth: depth + 1)
                variants.append(.init(name: variant.name, algebraicType: type))
            }
            return SumType(variants)
        }
    }
}
