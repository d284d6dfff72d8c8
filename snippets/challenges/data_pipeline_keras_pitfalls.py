# --8<-- [start:ragged-batch]
try:
    next(iter(source.batch(BATCH_SIZE)))
except tf.errors.InvalidArgumentError as error:
    print(error.message.split("}} ")[-1].split(" [Op")[0])
# --8<-- [end:ragged-batch]

# --8<-- [start:shuffle-then-cache]
numbered = tf.data.Dataset.range(1000)
for name, dataset in (("先 shuffle 后 cache", numbered.shuffle(1000).cache()),
                      ("先 cache 后 shuffle", numbered.cache().shuffle(1000))):
    first, second = (list(dataset.as_numpy_iterator()) for _ in range(2))  # 两遍
    print(f"{name}：两遍的次序相同？{first == second}")
# --8<-- [end:shuffle-then-cache]
