"""torchvision.ops."""

from itertools import product

from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss, sigmoid_focal_loss

from .common import EACH, Word, each


def cases(module):
    for array, alpha, gamma in product(("ml_a", "ml_b", "ml_one", "bin_a", "bin_d"), (0.25, -1.0), (2.0, 1.5)):
        kind = "binary" if array.startswith("bin") else "multilabel"
        options = {"alpha": alpha, "gamma": gamma}
        for reduction in ("mean", "sum"):
            module.add("sigmoid_focal", kind, array, {**options, "reduction": Word(reduction)},
                       lambda x: sigmoid_focal_loss(x["pred"], x["target"], **options, reduction=reduction))
        module.add("sigmoid_focal", kind, array, options, lambda x: each(sigmoid_focal_loss(x["pred"], x["target"], **options)),
                   within=EACH)
    boxes = {"generalized_box_iou": generalized_box_iou_loss, "distance_box_iou": distance_box_iou_loss,
             "complete_box_iou": complete_box_iou_loss}
    for (name, made), array, eps in product(boxes.items(), ("boxes_a", "boxes_b", "boxes_c", "boxes_d"), (1e-7, 0.5)):
        kind = "boxes_nested" if array == "boxes_b" else "boxes"
        for reduction in ("mean", "sum"):
            module.add(name, kind, array, {"eps": eps, "reduction": Word(reduction)},
                       lambda x: made(x["pred"], x["target"], reduction=reduction, eps=eps), diff=("pred", "target"))
        module.add(name, kind, array, {"eps": eps}, lambda x: each(made(x["pred"], x["target"], eps=eps)), within=EACH)
    for name, made in (("giou", generalized_box_iou_loss), ("diou", distance_box_iou_loss), ("ciou", complete_box_iou_loss)):
        module.add(name, "boxes", "boxes_a", {}, lambda x: each(made(x["pred"], x["target"])), within=EACH)
