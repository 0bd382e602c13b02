import SpacetimeSATS

/// Why a type cannot be written without references.
enum TypeProblem: Error, Hashable, Sendable {
    case invalidRef(UInt32)
    case recursive(UInt32)
    case tooDeep
    case tooLarge
    case tooManyVariants(Int)
}

/// Why a type may not stand as the type of a column, field, parameter or result.
enum UseProblem: Error, Hashable, Sendable {
    case invalidRef(UInt32)
    case recursive(UInt32)
    /// A product or sum written inline.
    case inlineComposite
    /// A reference to a product or sum that has no name.
    case undeclared(UInt32)
}

/// Replaces references, and judges uses of types, in time linear in the typespace however its types refer to each
/// other.
///
/// Each reference is answered once and the answers share their storage, so that types which repeat others
/// exponentially cost no more than they are long; `typeSizeLimit` then keeps them from being walked.
struct TypeResolver {
    struct Resolved {
        var type: AlgebraicType
        /// Levels of nesting; 1 for a type without parts.
        var depth: Int
        /// Parts, the type itself among them.
        var size: Int
    }

    private let types: [AlgebraicType]
    private let declared: Set<UInt32>
    private let depthLimit: Int
    private let sizeLimit: Int
    /// By reference; nil while unanswered, which in post-order happens only on a cycle.
    private var answers: [Result<Resolved, TypeProblem>?]
    /// The same for references to types without a name; `.some(nil)` is a use without a problem.
    private var useAnswers: [UseProblem??]

    /// `types` must not nest deeper than a stack can bear; see `inlineDepthExceeds(_:)`.
    init(types: [AlgebraicType], declared: Set<UInt32>, depthLimit: Int, sizeLimit: Int) {
        self.types = types
        self.declared = declared
        self.depthLimit = depthLimit
        self.sizeLimit = sizeLimit
        answers = Array(repeating: nil, count: types.count)
        useAnswers = Array(repeating: .none, count: types.count)
        for ref in postOrder(following: { _ in true }) {
            answers[ref] = resolve(types[ref])
        }
        // Types with a name end a use, so a cycle through one is none here: the order is another.
        for ref in postOrder(following: { !declared.contains($0) }) {
            useAnswers[ref] = .some(judge(target: types[ref], ref: UInt32(ref)))
        }
    }

    /// `type` without references.
    func resolve(_ type: AlgebraicType) -> Result<Resolved, TypeProblem> {
        do throws(TypeProblem) {
            return .success(try resolve(inline: type))
        } catch {
            return .failure(error)
        }
    }

    /// Nil if `type` may stand as the type of a column, field, parameter or result.
    func useProblem(_ type: AlgebraicType) -> UseProblem? {
        switch type {
        case .ref(let ref):
            guard Int(ref) < types.count else { return .invalidRef(ref) }
            if declared.contains(ref) { return nil }
            return useAnswers[Int(ref)] ?? .recursive(ref)
        case .array(let element):
            return useProblem(element)
        case .product:
            return type.isUnit || type.isSpecialProduct ? nil : .inlineComposite
        case .sum:
            if type.isNever || type.isScheduleAt { return nil }
            if let payload = type.optionPayload { return useProblem(payload) }
            if let (ok, err) = type.resultPayloads { return useProblem(ok) ?? useProblem(err) }
            return .inlineComposite
        default:
            return nil
        }
    }

    private func judge(target: AlgebraicType, ref: UInt32) -> UseProblem? {
        let problem = useProblem(target)
        return problem == .inlineComposite ? .undeclared(ref) : problem
    }

    private func resolve(inline type: AlgebraicType) throws(TypeProblem) -> Resolved {
        switch type {
        case .ref(let ref):
            guard Int(ref) < types.count else { throw .invalidRef(ref) }
            guard let answer = answers[Int(ref)] else { throw .recursive(ref) }
            return try answer.get()
        case .array(let element):
            let element = try resolve(inline: element)
            return try checked(.array(element.type), depth: element.depth, size: element.size)
        case .product(let product):
            var elements = product.elements
            var depth = 0
            var size = 0
            for position in elements.indices {
                let element = try resolve(inline: elements[position].algebraicType)
                elements[position].algebraicType = element.type
                depth = max(depth, element.depth)
                size = min(size + element.size, sizeLimit)
            }
            return try checked(.product(ProductType(elements)), depth: depth, size: size)
        case .sum(let sum):
            var variants = sum.variants
            guard variants.count <= SumType.variantLimit else { throw .tooManyVariants(variants.count) }
            var depth = 0
            var size = 0
            for position in variants.indices {
                let variant = try resolve(inline: variants[position].algebraicType)
                variants[position].algebraicType = variant.type
                depth = max(depth, variant.depth)
                size = min(size + variant.size, sizeLimit)
            }
            return try checked(.sum(SumType(variants)), depth: depth, size: size)
        default:
            return Resolved(type: type, depth: 1, size: 1)
        }
    }

    /// `depth` and `size` are those of the parts.
    private func checked(_ type: AlgebraicType, depth: Int, size: Int) throws(TypeProblem) -> Resolved {
        guard depth < depthLimit else { throw .tooDeep }
        guard size < sizeLimit else { throw .tooLarge }
        return Resolved(type: type, depth: depth + 1, size: size + 1)
    }

    /// All positions of the typespace, those that a type refers to before the type itself, except on cycles. Only
    /// references that `follow` accepts count. Needs no stack in proportion to chains of references.
    private func postOrder(following follow: (UInt32) -> Bool) -> [Int] {
        var order: [Int] = []
        order.reserveCapacity(types.count)
        var isReached = Array(repeating: false, count: types.count)
        var path: [(ref: Int, targets: [UInt32])] = []

        func enter(_ ref: Int) {
            isReached[ref] = true
            var targets: [UInt32] = []
            types[ref].forEachRef { if Int($0) < types.count, follow($0) { targets.append($0) } }
            path.append((ref, targets))
        }

        for root in types.indices where !isReached[root] {
            enter(root)
            while let last = path.indices.last {
                if let target = path[last].targets.popLast() {
                    if !isReached[Int(target)] { enter(Int(target)) }
                } else {
                    order.append(path.removeLast().ref)
                }
            }
        }
        return order
    }
}

extension AlgebraicType {
    /// The references written in this type; they are not followed.
    func forEachRef(_ body: (UInt32) -> Void) {
        switch self {
        case .ref(let ref): body(ref)
        case .array(let element): element.forEachRef(body)
        case .product(let product): product.elements.forEach { $0.algebraicType.forEachRef(body) }
        case .sum(let sum): sum.variants.forEach { $0.algebraicType.forEachRef(body) }
        default: break
        }
    }

    /// Whether the type as written nests deeper than `limit` levels. All walks over types are recursive, so this one
    /// goes first and stops at the limit.
    func inlineDepthExceeds(_ limit: Int) -> Bool {
        guard limit > 0 else { return true }
        return switch self {
        case .array(let element): element.inlineDepthExceeds(limit - 1)
        case .product(let product): product.elements.contains { $0.algebraicType.inlineDepthExceeds(limit - 1) }
        case .sum(let sum): sum.variants.contains { $0.algebraicType.inlineDepthExceeds(limit - 1) }
        default: false
        }
    }
}
