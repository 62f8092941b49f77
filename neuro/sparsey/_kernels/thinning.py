"""Thinning of binary images to lines one pixel wide."""

import numpy as np

from neuro.compiled import kernel


@kernel
def thin(images):
    """Thin framed binary images in place, Zhang and Suen 1984."""
    n, height, width = images.shape
    remove = np.empty((height * width, 2), np.int64)
    for i in range(n):
        image = images[i]
        changed = True
        while changed:
            changed = False
            for half in range(2):
                found = 0
                for y in range(1, height - 1):
                    for x in range(1, width - 1):
                        if image[y, x] == 0:
                            continue
                        p2, p3 = image[y - 1, x], image[y - 1, x + 1]
                        p4, p5 = image[y, x + 1], image[y + 1, x + 1]
                        p6, p7 = image[y + 1, x], image[y + 1, x - 1]
                        p8, p9 = image[y, x - 1], image[y - 1, x - 1]
                        b = p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9
                        if b < 2 or b > 6:
                            continue
                        a = int(p2 == 0 and p3 == 1)
                        a += int(p3 == 0 and p4 == 1)
                        a += int(p4 == 0 and p5 == 1)
                        a += int(p5 == 0 and p6 == 1)
                        a += int(p6 == 0 and p7 == 1)
                        a += int(p7 == 0 and p8 == 1)
                        a += int(p8 == 0 and p9 == 1)
                        a += int(p9 == 0 and p2 == 1)
                        if a != 1:
                            continue
                        if half == 0:
                            keep = p2 * p4 * p6 != 0 or p4 * p6 * p8 != 0
                        else:
                            keep = p2 * p4 * p8 != 0 or p2 * p6 * p8 != 0
                        if keep:
                            continue
                        remove[found, 0], remove[found, 1] = y, x
                        found += 1
                for r in range(found):
                    image[remove[r, 0], remove[r, 1]] = 0
                changed = changed or found > 0
